// A request's body: pieces give what the whole gives; what is decoded is what a literal reading of
// RFC 9112 section 7.1 gives; a body of a length is exactly that long.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/body_framing.hpp"

namespace sluiced::fuzz {
namespace {

using http::BodyDecoder;
using http::RequestHead;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  std::optional<http::ProtocolError> error;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(const RequestHead& head, std::string_view text, std::vector<std::size_t> cuts) {
  BodyDecoder decoder(head);
  Decoded result;
  cuts.push_back(text.size());
  for (const std::size_t cut : cuts) {
    const std::string_view piece = text.substr(0, cut);
    const std::vector<char> copy(piece.begin(), piece.end());  // Its bounds are exact.
    std::string_view rest(copy.data(), copy.size());
    text.remove_prefix(copy.size());
    while (!rest.empty() && !decoder.done()) {
      const auto step = decoder.decode(rest);
      if (!step) {
        result.error = step.error();
        return result;
      }
      require(step->consumed > 0 && step->consumed <= rest.size(), "every step makes headway");
      require(step->content.size() <= step->consumed, "content is part of what was consumed");
      result.content.append(step->content);
      result.consumed += step->consumed;
      rest.remove_prefix(step->consumed);
    }
    if (decoder.done()) break;
  }
  result.done = decoder.done();
  require(decoder.content_bytes() == result.content.size(), "the count of content is right");
  return result;
}

/// The size that stands at the front of a chunk's first line, of which `line` is all.
std::optional<std::size_t> literal_size(std::string_view line) {
  const auto digits = line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF"));
  if (digits.empty() || digits.size() > 16) return std::nullopt;
  return std::strtoull(std::string(digits).c_str(), nullptr, 16);
}

/// Decodes a whole body that is known to be right.
std::optional<Decoded> read_literally(std::string_view text) {
  Decoded result;
  const std::size_t whole = text.size();
  const auto take_line = [&text]() -> std::optional<std::string_view> {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
  };
  for (;;) {
    const auto line = take_line();
    const auto length = line ? literal_size(*line) : std::nullopt;
    if (!length) return std::nullopt;
    if (*length == 0) break;
    if (*length > text.size()) return std::nullopt;
    result.content.append(text.substr(0, *length));
    text.remove_prefix(*length);
    if (take_line() != "") return std::nullopt;
  }
  for (auto line = take_line(); line != ""; line = take_line()) {
    if (!line || line->find(':') == std::string_view::npos) return std::nullopt;
  }
  result.consumed = whole - text.size();
  result.done = true;
  return result;
}

/// Whether `text` is chunks without extensions or trailers, which nobody may refuse.
bool is_plain(std::string_view text) {
  for (;;) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos || end == 0 || end > 8) return false;
    const auto line = text.substr(0, end);
    if (line.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return false;
    const auto length = *literal_size(line);
    text.remove_prefix(end + 2);
    if (length == 0) return text.starts_with("\r\n");
    if (text.size() < length + 2 || text.substr(length, 2) != "\r\n") return false;
    text.remove_prefix(length + 2);
  }
}

void check_chunks(std::string_view text, const std::vector<std::size_t>& cuts) {
  const auto head = std::make_unique<RequestHead>();
  head->chunked = true;
  const Decoded whole = decode(*head, text, {});
  Decoded pieces = decode(*head, text, cuts);
  if (whole.error) {
    // How much was good before the fault is the reader's business, not the verdict's.
    require(pieces.error == whole.error, "pieces are refused for the same reason");
    require(!is_plain(text), "plain chunks are accepted");
    return;
  }
  require(pieces == whole, "pieces give what the whole gives");
  if (whole.done) {
    const auto literal = read_literally(text.substr(0, whole.consumed));
    require(literal == whole, "what is decoded is what stands there");
  } else {
    require(whole.consumed == text.size(), "an unfinished body takes all there is");
    require(!is_plain(text), "plain chunks have an end");
  }
}

void check_length(std::string_view text, const std::vector<std::size_t>& cuts, std::size_t length) {
  const auto head = std::make_unique<RequestHead>();
  head->content_length = length;
  const Decoded result = decode(*head, text, cuts);
  require(!result.error, "a body of a length cannot be wrong");
  require(result.content == text.substr(0, length), "its content is its first bytes");
  require(result.consumed == result.content.size(), "it takes nothing else");
  require(result.done == (length <= text.size()), "it ends with its last byte");
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  Input input(data, size);
  const std::size_t length = input.take_number();
  const auto cuts = input.take_cuts();
  check_chunks(input.rest(), cuts);
  check_length(input.rest(), cuts, length);
  return 0;
}
