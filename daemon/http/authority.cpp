#include "http/authority.hpp"

#include <algorithm>
#include <cstddef>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::size_t kMaxHostBytes = 255;
constexpr std::size_t kMaxDigitsOfGroup = 4;

/// One to five digits, at most 65535. `port` is left alone if `text` is empty.
bool parse_port(std::string_view text, std::optional<std::uint16_t>& port) {
  if (text.empty()) return true;
  if (text.size() > 5) return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (value > 65535) return false;
  port = static_cast<std::uint16_t>(value);
  return true;
}

/// Four decimal numbers from 0 to 255 without leading zeros.
bool is_ipv4_address(std::string_view text) {
  for (int octet = 0; octet < 4; ++octet) {
    std::size_t digits = 0;
    unsigned value = 0;
    while (digits < text.size() && digits < 3 && is_digit(text[digits])) {
      value = value * 10 + static_cast<unsigned>(text[digits] - '0');
      ++digits;
    }
    if (digits == 0 || value > 255 || (digits > 1 && text[0] == '0')) return false;
    text.remove_prefix(digits);
    if (octet == 3) return text.empty();
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

/// RFC 3986 section 3.2.2: eight groups of one to four hexadecimal digits, one run of them written
/// as "::", the last two perhaps as an IPv4 address.
bool is_ipv6_address(std::string_view text) {
  int groups = 0;
  bool compressed = false;
  if (text.starts_with("::")) {
    compressed = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && hex_digit_value(text[digits]) >= 0) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      groups += 2;
      return is_ipv4_address(text) && (compressed ? groups < 8 : groups == 8);
    }
    if (digits == 0 || digits > kMaxDigitsOfGroup || ++groups > 8) return false;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text[0] != ':') return false;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (compressed) return false;
      compressed = true;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return false;  // A single colon at the end.
    }
  }
  return compressed ? groups < 8 : groups == 8;
}

/// Whether a label, not empty, reads as a number to some resolver: decimal, or 0x and hexadecimal.
bool is_number(std::string_view label) {
  if (!is_digit(label.front())) return false;
  if (std::ranges::all_of(label, is_digit)) return true;
  if (!label.starts_with("0x") && !label.starts_with("0X")) return false;
  return std::ranges::all_of(label.substr(2), [](char c) { return hex_digit_value(c) >= 0; });
}

/// Of a host that is made of name characters, of which the dot is one.
bool is_registered_name_or_ipv4(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  std::string_view labels = host;
  if (labels.back() == '.') labels.remove_suffix(1);
  std::size_t label_start = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != '.') continue;
    if (i == label_start) return false;
    label_start = i + 1;
  }
  const std::string_view last_label = labels.substr(label_start);
  if (last_label.empty()) return false;
  return !is_number(last_label) || is_ipv4_address(labels);
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    if (!is_ipv6_address(text.substr(1, bracket - 1))) return std::nullopt;
    host_end = bracket + 1;
  } else {
    while (host_end < text.size() && is_name_character(text[host_end])) ++host_end;
    if (!is_registered_name_or_ipv4(text.substr(0, host_end))) return std::nullopt;
  }
  authority.host = text.substr(0, host_end);
  if (host_end == text.size()) return authority;
  if (text[host_end] != ':' || !parse_port(text.substr(host_end + 1), authority.port)) {
    return std::nullopt;
  }
  return authority;
}

bool same_authority(const Authority& left, const Authority& right, std::uint16_t default_port) {
  if (left.port.value_or(default_port) != right.port.value_or(default_port)) return false;
  return std::ranges::equal(left.host, right.host,
                            [](char a, char b) { return to_lower(a) == to_lower(b); });
}

}  // namespace sluiced::http
