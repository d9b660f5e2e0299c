// A request head: however it is cut into pieces the verdict is that of the whole; what is accepted
// is a head by the letter of RFC 9112 sections 3 and 5; and a plain head is accepted.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/request_head.hpp"

namespace sluiced::fuzz {
namespace {

using http::HeadLimits;
using http::RequestHead;
using Verdict = std::expected<std::size_t, http::ProtocolError>;

bool is_token(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
}

/// Bytes above 0x7f are no characters of a URI, but names of files have them, and no reader of a
/// request line takes one for a separator.
bool is_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7f;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= ' ' || byte == '\t') && byte != 0x7f;
  });
}

struct Line {
  std::string name;
  std::string value;
};

/// A head as the RFC's grammar has it: slow, and without knowledge of what fields mean.
struct LiteralHead {
  std::string method;
  std::string target;
  std::vector<Line> lines;
};

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// Reads all of `text` as one head that ends in an empty line, or nothing if it is none.
std::optional<LiteralHead> read_literally(std::string_view text) {
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  if (lines.size() < 2 || !lines.back().empty()) return std::nullopt;
  LiteralHead head;
  const std::string_view first = lines.front();
  const auto space = first.find(' ');
  const auto last_space = first.rfind(' ');
  if (space == std::string_view::npos || space == last_space) return std::nullopt;
  head.method = first.substr(0, space);
  head.target = first.substr(space + 1, last_space - space - 1);
  const std::string_view version = first.substr(last_space + 1);
  if (!is_token(head.method) || !is_target(head.target)) return std::nullopt;
  if (version.size() != 8 || !version.starts_with("HTTP/1.") || version[7] < '0' ||
      version[7] > '9') {
    return std::nullopt;
  }
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto colon = lines[i].find(':');
    if (colon == std::string_view::npos || !is_token(lines[i].substr(0, colon)) ||
        !is_field_value(lines[i].substr(colon + 1))) {
      return std::nullopt;
    }
    head.lines.push_back(
        {std::string(lines[i].substr(0, colon)), trimmed(lines[i].substr(colon + 1))});
  }
  return head;
}

/// Whether there is nothing about `head` that anybody could refuse within `limits`.
bool is_plain(const LiteralHead& head, std::string_view text, const HeadLimits& limits) {
  if (text.size() > limits.request_line_bytes || text.size() > limits.field_section_bytes ||
      head.lines.size() > limits.fields || head.lines.empty() || head.lines[0].name != "Host" ||
      head.lines[0].value != "a") {
    return false;
  }
  const bool names_are_strange =
      std::any_of(head.lines.begin() + 1, head.lines.end(),
                  [](const Line& line) { return line.name.front() != 'X'; });
  return !names_are_strange && head.method == "GET" && head.target.starts_with("/x") &&
         head.target.find_first_not_of("abcdefghijklmnopqrstuvwxyz/.?&=0123456789") ==
             std::string::npos;
}

/// All that a parse comes to.
std::string describe(const Verdict& verdict, const RequestHead& head) {
  if (!verdict) return std::string(http::protocol_error_label(verdict.error()));
  if (*verdict == 0) return "incomplete";
  std::string text = std::to_string(*verdict);
  text.append(" ").append(head.method_text).append(" ").append(head.target);
  text.append(" ").append(head.resource);
  if (head.authority) text.append(" ").append(head.authority->host);
  text.append(" ").append(head.content_length ? std::to_string(*head.content_length) : "none");
  for (const bool flag : {head.chunked, head.expect_continue, head.keep_alive,
                          head.version == http::Version::http_1_0}) {
    text.append(flag ? " yes" : " no");
  }
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    text.append("\n").append(head.fields.line(i).name).append("=");
    text.append(head.fields.line(i).value);
  }
  return text;
}

/// Parses up to each cut in turn, from a new allocation of the exact size every time: a read past
/// the end or of an old buffer is then seen by AddressSanitizer.
std::string parse_in_pieces(std::string_view text, const std::vector<std::size_t>& cuts,
                            const HeadLimits& limits) {
  const auto head = std::make_unique<RequestHead>();
  http::RequestHeadParser parser(limits);
  std::unique_ptr<std::vector<char>> buffer;
  Verdict verdict = 0;
  std::size_t end = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    end = i < cuts.size() ? std::min(end + cuts[i], text.size()) : text.size();
    const std::string_view part = text.substr(0, end);
    buffer = std::make_unique<std::vector<char>>(part.begin(), part.end());
    verdict = parser.parse({buffer->data(), buffer->size()}, *head);
    if (!verdict || *verdict != 0) break;
  }
  return describe(verdict, *head);
}

void check_accepted(std::string_view text, const RequestHead& head) {
  const auto literal = read_literally(text);
  require(literal.has_value(), "what is accepted is a head by the letter");
  require(literal->method == head.method_text, "the method is what stands there");
  require(literal->target == head.target, "the target is what stands there");
  require(literal->lines.size() == head.fields.size(), "every field line is kept");
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    require(literal->lines[i].name == head.fields.line(i).name, "names are what stands there");
    require(literal->lines[i].value == head.fields.line(i).value, "values are what stands there");
  }
  require(!(head.chunked && head.content_length), "a body has one framing");
  require(!head.chunked || head.version == http::Version::http_1_1, "1.0 knows no chunks");
  require(head.authority || head.version == http::Version::http_1_0, "1.1 has a host");
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  Input input(data, size);
  HeadLimits limits;
  if (input.take_number() % 2 == 1) {
    limits = {.request_line_bytes = 60, .field_section_bytes = 120, .fields = 4};
  }
  const auto cuts = input.take_cuts();
  const std::string_view text = input.rest();
  const std::string whole = parse_in_pieces(text, {}, limits);
  require(parse_in_pieces(text, cuts, limits) == whole, "pieces give what the whole gives");
  const auto head = std::make_unique<RequestHead>();
  const Verdict verdict = sluiced::http::parse_request_head(text, limits, *head);
  require(describe(verdict, *head) == whole, "one call gives what a parser gives");
  if (verdict && *verdict != 0) {
    require(*verdict <= text.size(), "a head is no longer than what came");
    check_accepted(text.substr(0, *verdict), *head);
    const auto prefix = text.substr(0, *verdict - 1);
    require(parse_in_pieces(prefix, {}, limits) == "incomplete", "a prefix is waited on");
  } else if (const auto literal = read_literally(text);
             literal && is_plain(*literal, text, limits)) {
    require(false, "a plain head is accepted");
  }
  return 0;
}
