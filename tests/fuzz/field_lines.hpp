// A request whose field comes in the lines of a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/request_head.hpp"

namespace sluiced::fuzz {

inline std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (bool more = true; more;) {
    const auto end = text.find(separator);
    more = end != std::string_view::npos;
    pieces.push_back(text.substr(0, end));
    if (more) text.remove_prefix(end + 1);
  }
  return pieces;
}

inline std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A request with one line of a field for each line of a text. A head lies in its object.
class RequestWithLines {
 public:
  RequestWithLines(std::string_view name, const std::vector<std::string_view>& values)
      : text_("GET / HTTP/1.1\r\nHost: a\r\n") {
    for (const std::string_view value : values) {
      text_.append(name).append(": ").append(value).append("\r\n");
    }
    text_.append("\r\n");
    const auto length = http::parse_request_head(text_, {}, head_);
    is_whole_ = length && *length == text_.size();
  }
  RequestWithLines(const RequestWithLines&) = delete;
  RequestWithLines& operator=(const RequestWithLines&) = delete;

  /// False where the lines hold what no field may.
  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] const http::FieldTable& fields() const { return head_.fields; }

 private:
  std::string text_;
  http::RequestHead head_;
  bool is_whole_ = false;
};

}  // namespace sluiced::fuzz
