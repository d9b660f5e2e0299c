#include "http/request_framing.hpp"

#include <cstdint>
#include <limits>
#include <string_view>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

/// What the target says of where the request goes.
struct TargetAuthority {
  std::optional<Authority> authority;
  std::uint16_t default_port = kHttpPort;
};

/// absolute-form, RFC 9112 section 3.2.2: http and https only, without user information (RFC 9110
/// section 4.2.4).
std::optional<ProtocolError> split_absolute_form(RequestHead& head, TargetAuthority& found) {
  const std::string_view target = head.target;
  std::size_t authority_start = 0;
  if (equals_ignoring_case(target.substr(0, 7), "http://")) {
    authority_start = 7;
  } else if (equals_ignoring_case(target.substr(0, 8), "https://")) {
    authority_start = 8;
    found.default_port = kHttpsPort;
  } else {
    return ProtocolError::bad_target;
  }
  std::size_t authority_end = authority_start;
  while (authority_end < target.size() && target[authority_end] != '/' &&
         target[authority_end] != '?') {
    ++authority_end;
  }
  found.authority =
      parse_authority(target.substr(authority_start, authority_end - authority_start));
  if (!found.authority) return ProtocolError::bad_target;
  head.resource = target.substr(authority_end);
  // OPTIONS http://host asks about the server (RFC 9112 section 3.2.4).
  const bool is_asterisk = head.method == Method::options && head.resource.empty();
  head.form = is_asterisk ? TargetForm::asterisk : TargetForm::absolute;
  return std::nullopt;
}

std::optional<ProtocolError> decide_form(RequestHead& head, TargetAuthority& found) {
  head.resource = head.target;
  if (head.method == Method::connect) {
    head.form = TargetForm::authority;
    found.authority = parse_authority(head.target);
    if (!found.authority || !found.authority->port) return ProtocolError::bad_target;
    return std::nullopt;
  }
  if (head.target.front() == '/') {
    head.form = TargetForm::origin;
    return std::nullopt;
  }
  if (head.target == "*") {
    head.form = TargetForm::asterisk;
    if (head.method != Method::options) return ProtocolError::bad_target;
    return std::nullopt;
  }
  return split_absolute_form(head, found);
}

/// RFC 9112 section 3.2. In absolute-form the target wins over Host there (3.2.2). A Host that
/// names another server is refused here all the same: who sends the two apart either has not
/// rewritten Host, as 3.2.2 demands of a proxy, or counts on somebody in front who goes by Host, so
/// that a cache files one site's answer under another's name. No message is read in two ways. Equal
/// ones, whatever their case and with the scheme's port written out or not, are served.
std::optional<ProtocolError> decide_authority(RequestHead& head, const TargetAuthority& found) {
  head.authority = found.authority;
  const std::size_t hosts = head.fields.count(KnownField::host);
  if (hosts == 0) {
    if (head.version != Version::http_1_0) return ProtocolError::missing_host;
    return std::nullopt;
  }
  const auto value = head.fields.single(KnownField::host);
  if (!value) return ProtocolError::bad_host;
  const auto host = parse_authority(*value);
  if (!host) return ProtocolError::bad_host;
  if (!found.authority) {
    head.authority = host;
  } else if (!same_authority(*found.authority, *host, found.default_port)) {
    return ProtocolError::host_mismatch;
  }
  return std::nullopt;
}

/// Digits alone, below 2^64.
std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

/// RFC 9112 section 6.1: the length of the body is known only if "chunked" comes last (400), and a
/// coding that is not implemented may come before it (501).
std::optional<ProtocolError> decide_transfer_encoding(RequestHead& head) {
  const auto value = head.fields.single(KnownField::transfer_encoding);
  if (head.version == Version::http_1_0 || !value) return ProtocolError::bad_transfer_encoding;
  if (equals_ignoring_case(*value, "chunked")) {
    head.chunked = true;
    return std::nullopt;
  }
  std::string_view rest = *value;
  bool other_before = false;
  while (!rest.empty()) {
    const std::string_view coding = take_list_member(rest);
    const bool is_chunked = equals_ignoring_case(coding, "chunked");
    if (!is_token(coding) || is_chunked != rest.empty()) break;
    if (is_chunked && other_before) return ProtocolError::unknown_transfer_coding;
    other_before = true;
  }
  return ProtocolError::bad_transfer_encoding;
}

std::optional<ProtocolError> decide_body(RequestHead& head) {
  head.chunked = false;
  head.content_length.reset();
  const bool has_length = head.fields.has(KnownField::content_length);
  if (head.fields.has(KnownField::transfer_encoding)) {
    if (has_length) return ProtocolError::te_and_cl;
    return decide_transfer_encoding(head);
  }
  if (!has_length) return std::nullopt;
  const auto value = head.fields.single(KnownField::content_length);
  if (value) head.content_length = parse_content_length(*value);
  if (!head.content_length) return ProtocolError::bad_content_length;
  return std::nullopt;
}

/// RFC 9110 section 10.1.1. HTTP/1.0 knows no interim response, so an expectation in it is ignored;
/// without a body there is nothing to wait for.
std::optional<ProtocolError> decide_expectation(RequestHead& head) {
  head.expect_continue = false;
  if (!head.fields.has(KnownField::expect) || head.version == Version::http_1_0) {
    return std::nullopt;
  }
  bool known = true;
  head.fields.for_each(KnownField::expect, [&known](std::string_view value) {
    known = equals_ignoring_case(value, "100-continue");
    return known;
  });
  if (!known) return ProtocolError::unknown_expectation;
  head.expect_continue = head.has_body();
  return std::nullopt;
}

/// RFC 9112 section 9.3. "close" wins over "keep-alive", wherever in the list it stands.
void decide_persistence(RequestHead& head) {
  bool close = false;
  bool keep_alive = head.version == Version::http_1_1;
  head.fields.for_each(KnownField::connection, [&](std::string_view value) {
    while (!value.empty()) {
      const std::string_view option = take_list_member(value);
      if (equals_ignoring_case(option, "close")) close = true;
      if (equals_ignoring_case(option, "keep-alive")) keep_alive = true;
    }
    return true;
  });
  head.keep_alive = keep_alive && !close;
}

}  // namespace

std::optional<ProtocolError> decide_framing(RequestHead& head) {
  TargetAuthority found;
  if (const auto error = decide_form(head, found)) return error;
  if (const auto error = decide_authority(head, found)) return error;
  if (const auto error = decide_body(head)) return error;
  if (const auto error = decide_expectation(head)) return error;
  decide_persistence(head);
  return std::nullopt;
}

}  // namespace sluiced::http
