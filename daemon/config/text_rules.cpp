#include "config/text_rules.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

constexpr std::size_t kLongestName = 64;
// RFC 1035 section 2.3.4.
constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestLabel = 63;
// NAME_MAX and PATH_MAX of Linux; also the bounds on the path of a request.
constexpr std::size_t kLongestFileName = 255;
constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestCharset = 40;
constexpr std::size_t kLongestUser = 256;

std::unexpected<std::string> refused(std::string_view text, std::string_view why) {
  if (text.empty()) {
    return std::unexpected(std::string("the value is empty"));
  }
  return std::unexpected(in_quotes(text) + ' ' + std::string(why));
}

bool consists_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 || value == 0x7F;
  });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& each : out) {
    if (each >= 'A' && each <= 'Z') {
      each = static_cast<char>(each - 'A' + 'a');
    }
  }
  return out;
}

/// Why the text is not a sequence of labels joined by dots, or nothing when it is one.
std::optional<std::string_view> flaw_in_labels(std::string_view name) {
  const std::string allowed = std::string(kLower) + std::string(kDigits) + "-_";
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    const std::string_view label = name.substr(start, end - start);
    if (label.empty()) {
      return "has an empty label: a dot too many";
    }
    if (label.size() > kLongestLabel) {
      return "has a label of more than 63 characters";
    }
    if (!consists_of(label, allowed)) {
      return "is not a host name";
    }
    if (label.starts_with('-') || label.ends_with('-')) {
      return "has a label that begins or ends with '-'";
    }
    start = end + 1;
  }
  return std::nullopt;
}

Parsed<std::string> check_ipv6_host(std::string_view text) {
  std::array<unsigned char, 16> ip{};
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  const std::size_t bracket = text.rfind(']');
  if (bracket == std::string_view::npos || bracket + 1 != text.size()) {
    return refused(text, bracket != std::string_view::npos && text[bracket + 1] == ':'
                             ? "has a port: hosts are given without one"
                             : "has no ] at its end");
  }
  const std::string inside(text.substr(1, bracket - 1));
  if (inet_pton(AF_INET6, inside.c_str(), ip.data()) != 1) {
    return refused(text, "has no valid IPv6 address between the brackets");
  }
  inet_ntop(AF_INET6, ip.data(), canonical.data(), canonical.size());
  return '[' + std::string(canonical.data()) + ']';
}

}  // namespace

Parsed<std::string> check_name(std::string_view text) {
  if (text.size() > kLongestName) {
    return refused(text, "is longer than 64 characters");
  }
  if (text.empty() || !consists_of(text, std::string(kLower) + std::string(kDigits) + "_-")) {
    return refused(text, "may hold only lower-case letters, digits, '_' and '-'");
  }
  return std::string(text);
}

Parsed<std::string> check_host(std::string_view text) {
  if (text.starts_with('[')) {
    return check_ipv6_host(text);
  }
  if (text.empty() || text == "*") {
    return refused(text, "stands for every host: leave 'hosts' out instead");
  }
  if (text.find("://") != std::string_view::npos) {
    return refused(text, "is a URL: give the host name alone");
  }
  if (text.find(':') != std::string_view::npos) {
    return refused(text, "has a port: hosts are given without one");
  }
  if (text.size() > kLongestHost) {
    return refused(text, "is longer than 253 characters");
  }
  if (std::ranges::any_of(text,
                          [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; })) {
    return refused(text, "is not in ASCII: write it in its xn-- form");
  }
  std::string host = lower_case(text);
  const std::string_view labels = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
  if (labels.find('*') != std::string_view::npos) {
    return refused(text, "has a '*' that is not the whole first label");
  }
  if (const std::optional<std::string_view> flaw = flaw_in_labels(labels)) {
    return refused(text, *flaw);
  }
  return host;
}

Parsed<std::string> check_mount_path(std::string_view text) {
  if (!text.starts_with('/') || !text.ends_with('/')) {
    return refused(text, "must begin and end with '/'");
  }
  if (text.size() > kLongestPath) {
    return refused(text.substr(0, 40), "and what follows is longer than 4095 bytes");
  }
  if (has_control(text)) {
    return refused(text, "holds a control character");
  }
  if (text.find_first_of("%?#") != std::string_view::npos) {
    return refused(text, "holds one of % ? #: write the path as it reads when decoded");
  }
  for (std::size_t start = 1; start < text.size();) {
    const std::size_t end = text.find('/', start);
    const std::string_view part = text.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") {
      return refused(text, "is not normalised: it has an empty part, '.' or '..' in it");
    }
    if (part.size() > kLongestFileName) {
      return refused(text, "has a part of more than 255 bytes");
    }
    start = end + 1;
  }
  return std::string(text);
}

Parsed<std::string> check_root(std::string_view text) {
  if (!text.starts_with('/')) {
    return refused(text,
                   "is not an absolute path: it is not looked up relative to this file or to "
                   "where sluiced was started");
  }
  if (text.size() > kLongestPath) {
    return refused(text.substr(0, 40), "and what follows is longer than 4095 bytes");
  }
  if (has_control(text)) {
    return refused(text, "holds a control character");
  }
  return std::string(text);
}

Parsed<std::string> check_log_target(std::string_view text) {
  if (text == "stderr") {
    return std::string(text);
  }
  if (!text.starts_with('/')) {
    return refused(text, "is neither stderr, off, nor an absolute path");
  }
  return check_root(text);
}

Parsed<std::string> check_user(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool has_empty_part = text.empty() || colon == 0 || colon == text.size() - 1;
  if (has_empty_part || std::ranges::count(text, ':') > 1) {
    return refused(text, "is not NAME or NAME:GROUP");
  }
  if (text.size() > kLongestUser || has_control(text) || text.find(' ') != std::string_view::npos) {
    return refused(text.substr(0, 40), "is not the name of a user");
  }
  return std::string(text);
}

Parsed<std::string> check_file_name(std::string_view text) {
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string_view::npos) {
    return refused(text, "is not the name of a file within a directory");
  }
  if (text.size() > kLongestFileName) {
    return refused(text, "is longer than 255 bytes");
  }
  if (has_control(text)) {
    return refused(text, "holds a control character");
  }
  return std::string(text);
}

Parsed<std::string> check_charset(std::string_view text) {
  const std::string allowed =
      std::string(kLower) + std::string(kUpper) + std::string(kDigits) + "-._+:";
  if (text.empty() || text.size() > kLongestCharset || !consists_of(text, allowed)) {
    return refused(text, "is not the name of a charset, such as utf-8");
  }
  return std::string(text);
}

}  // namespace sluiced::config
