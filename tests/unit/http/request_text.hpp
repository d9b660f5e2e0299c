// Request heads for tests: parsed in one piece, together with the text that their views point into.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "http/request_head.hpp"

namespace sluiced::http::testing {

class ParsedRequest {
 public:
  explicit ParsedRequest(std::string text, const HeadLimits& limits = {})
      : text_(std::move(text)), result_(parse_request_head(text_, limits, head_)) {}
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;

  const RequestHead& head() const { return head_; }
  const std::string& text() const { return text_; }
  std::size_t length() const { return result_.value_or(0); }

  /// "accepted", "incomplete", or the label of the error: what a table of cases writes down.
  std::string_view verdict() const {
    if (!result_) return protocol_error_label(result_.error());
    return *result_ == 0 ? "incomplete" : "accepted";
  }

 private:
  std::string text_;
  RequestHead head_;
  std::expected<std::size_t, ProtocolError> result_;
};

inline std::string verdict_of(std::string text, const HeadLimits& limits = {}) {
  return std::string(ParsedRequest(std::move(text), limits).verdict());
}

/// A GET of "/" with `lines`, each of which ends in CRLF, behind its Host line.
inline std::string get_with(std::string_view lines) {
  return std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n");
}

}  // namespace sluiced::http::testing
