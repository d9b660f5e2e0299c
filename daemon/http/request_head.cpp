#include "http/request_head.hpp"

#include <algorithm>

#include "http/characters.hpp"
#include "http/request_framing.hpp"

namespace sluiced::http {

// The farthest position that can occur, behind one leading CRLF, has to fit 16 bits.
static_assert(2 + HeadLimits::kMaxRequestLineBytes + 2 + HeadLimits::kMaxFieldSectionBytes <=
              FieldTable::kMaxBufferBytes);

namespace {

constexpr std::size_t kCrlfBytes = 2;

/// "HTTP/" DIGIT "." DIGIT, RFC 9112 section 2.3.
std::optional<ProtocolError> parse_version(std::string_view text, Version& version) {
  if (text == "HTTP/1.1") {
    version = Version::http_1_1;
    return std::nullopt;
  }
  if (text.find(' ') != std::string_view::npos) return ProtocolError::bad_request_line;
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return ProtocolError::bad_version;
  }
  if (text[5] != '1') return ProtocolError::unsupported_version;
  version = text[7] == '0' ? Version::http_1_0 : Version::http_1_1;
  return std::nullopt;
}

}  // namespace

void RequestHeadParser::set_limits(const HeadLimits& limits) noexcept {
  request_line_limit_ = static_cast<std::uint16_t>(
      std::min(limits.request_line_bytes, HeadLimits::kMaxRequestLineBytes));
  field_section_limit_ = static_cast<std::uint16_t>(
      std::clamp(limits.field_section_bytes, kCrlfBytes, HeadLimits::kMaxFieldSectionBytes));
  field_limit_ = static_cast<std::uint16_t>(std::min(limits.fields, FieldTable::kCapacity));
}

void RequestHeadParser::reset() {
  section_ = Section::request_line;
  scanned_ = 0;
  line_start_ = 0;
}

std::expected<std::size_t, ProtocolError> RequestHeadParser::parse(std::string_view received,
                                                                   RequestHead& head) {
  const char* const begin = received.data();
  const char* const end = begin + received.size();
  if (scanned_ == 0) {
    head.fields.clear();
    take_usual_request_line(received, head);
  }
  head.fields.rebase(begin);
  for (;;) {
    if (scanned_ == line_start_ && line_start_ < received.size()) {
      if (const auto error = check_line_start(begin[line_start_])) return std::unexpected(*error);
    }
    const char* const control = find_control(begin + scanned_, end);
    const auto position = static_cast<std::size_t>(control - begin);
    // The limit goes first: what lies behind it must not matter, or the verdict would depend on how
    // the head was cut.
    if (const auto error = check_length(position)) return std::unexpected(*error);
    scanned_ = static_cast<std::uint32_t>(position);
    if (control == end) return 0;
    if (*control == '\t' && section_ == Section::fields) {
      ++scanned_;
      continue;
    }
    if (*control == '\n') return std::unexpected(ProtocolError::bare_lf);
    if (*control != '\r') {
      return std::unexpected(section_ == Section::fields ? ProtocolError::bad_field
                                                         : ProtocolError::bad_request_line);
    }
    if (control + 1 == end) return 0;
    if (control[1] != '\n') return std::unexpected(ProtocolError::bare_cr);

    const std::string_view line(begin + line_start_, position - line_start_);
    scanned_ = static_cast<std::uint32_t>(position + 2);
    if (line.empty() && section_ == Section::fields) return finish(received, head);
    if (const auto error = take_line(line, head)) return std::unexpected(*error);
    line_start_ = scanned_;
  }
}

/// The line that nearly all requests begin with, in one pass, if all of it is there: GET, and the
/// version 1.1. Whatever it does not take, be it right or wrong, is for the steps below to judge.
void RequestHeadParser::take_usual_request_line(std::string_view received, RequestHead& head) {
  constexpr std::string_view kStart = "GET ";
  constexpr std::string_view kEnd = " HTTP/1.1\r\n";
  if (!received.starts_with(kStart)) return;
  std::size_t target_end = kStart.size();
  while (target_end < received.size() && is_target_character(received[target_end])) ++target_end;
  const std::size_t line_bytes = target_end + kEnd.size() - kCrlfBytes;
  if (target_end == kStart.size() || line_bytes > request_line_limit_ ||
      !received.substr(target_end).starts_with(kEnd)) {
    return;
  }
  head.version = Version::http_1_1;
  method_position_ = 0;
  method_bytes_ = kStart.size() - 1;
  target_position_ = kStart.size();
  target_bytes_ = static_cast<std::uint16_t>(target_end - kStart.size());
  section_ = Section::fields;
  scanned_ = static_cast<std::uint32_t>(line_bytes + kCrlfBytes);
  line_start_ = section_start_ = scanned_;
}

std::optional<ProtocolError> RequestHeadParser::check_line_start(char first) const {
  if (section_ == Section::fields) {
    if (is_blank(first)) return ProtocolError::obs_fold;
    return std::nullopt;
  }
  if (is_token_character(first)) return std::nullopt;
  if (first == '\n') return ProtocolError::bare_lf;
  // One CRLF before the request is tolerated (RFC 9112 section 2.2): old clients send one after a
  // body. A second one is somebody probing.
  if (first == '\r') {
    if (line_start_ == 0) return std::nullopt;
    return ProtocolError::bad_request_line;
  }
  return ProtocolError::not_http;
}

std::optional<ProtocolError> RequestHeadParser::check_length(std::size_t position) const {
  if (section_ == Section::request_line) {
    if (position - line_start_ > request_line_limit_) return ProtocolError::uri_too_long;
  } else if (position - section_start_ > field_section_limit_ - kCrlfBytes) {
    return ProtocolError::fields_too_large;
  }
  return std::nullopt;
}

std::optional<ProtocolError> RequestHeadParser::take_line(std::string_view line,
                                                          RequestHead& head) {
  if (section_ == Section::fields) return take_field_line(line, head);
  if (line.empty()) return std::nullopt;  // The one CRLF before the request.
  section_ = Section::fields;
  section_start_ = scanned_;
  return take_request_line(line, head);
}

// method SP request-target SP HTTP-version, RFC 9112 section 3, with exactly these two spaces.
std::optional<ProtocolError> RequestHeadParser::take_request_line(std::string_view line,
                                                                  RequestHead& head) {
  std::size_t method_end = 0;
  while (method_end < line.size() && is_token_character(line[method_end])) ++method_end;
  if (method_end == line.size()) return ProtocolError::bad_request_line;
  if (line[method_end] != ' ') return ProtocolError::bad_method;

  const std::size_t target_start = method_end + 1;
  std::size_t target_end = target_start;
  while (target_end < line.size() && is_target_character(line[target_end])) ++target_end;
  if (target_end == line.size()) return ProtocolError::bad_request_line;
  if (line[target_end] != ' ') return ProtocolError::bad_target;
  if (target_end == target_start) return ProtocolError::bad_request_line;

  if (const auto error = parse_version(line.substr(target_end + 1), head.version)) return error;
  method_position_ = static_cast<std::uint16_t>(line_start_);
  method_bytes_ = static_cast<std::uint16_t>(method_end);
  target_position_ = static_cast<std::uint16_t>(line_start_ + target_start);
  target_bytes_ = static_cast<std::uint16_t>(target_end - target_start);
  return std::nullopt;
}

// field-name ":" OWS field-value OWS, RFC 9112 section 5. That the value holds no control byte but
// tabs is known already: the search for the line's end would have stopped there.
std::optional<ProtocolError> RequestHeadParser::take_field_line(std::string_view line,
                                                                RequestHead& head) const {
  std::size_t name_end = 0;
  while (name_end < line.size() && is_token_character(line[name_end])) ++name_end;
  if (name_end == 0 || name_end == line.size() || line[name_end] != ':') {
    return ProtocolError::bad_field;
  }
  if (name_end > FieldTable::kMaxNameBytes) return ProtocolError::fields_too_large;
  if (head.fields.size() == field_limit_) return ProtocolError::too_many_fields;

  std::size_t value_start = name_end + 1;
  std::size_t value_end = line.size();
  while (value_start < value_end && is_blank(line[value_start])) ++value_start;
  while (value_end > value_start && is_blank(line[value_end - 1])) --value_end;
  head.fields.add(line_start_, name_end, line_start_ + value_start, value_end - value_start);
  return std::nullopt;
}

std::expected<std::size_t, ProtocolError> RequestHeadParser::finish(std::string_view received,
                                                                    RequestHead& head) const {
  head.method_text = received.substr(method_position_, method_bytes_);
  head.method = parse_method(head.method_text);
  head.target = received.substr(target_position_, target_bytes_);
  if (const auto error = decide_framing(head)) return std::unexpected(*error);
  return scanned_;
}

std::expected<std::size_t, ProtocolError> parse_request_head(std::string_view text,
                                                             const HeadLimits& limits,
                                                             RequestHead& head) {
  return RequestHeadParser(limits).parse(text, head);
}

}  // namespace sluiced::http
