// The texts of sites and mounts: fallbacks, redirects, archives, and other origins.

#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/text_rules.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

constexpr std::size_t kLongestToken = 64;
constexpr std::size_t kLongestTarget = 2000;
constexpr std::string_view kTokenCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

std::unexpected<std::string> refused(std::string_view text, std::string_view why) {
  if (text.empty()) {
    return std::unexpected(std::string("the value is empty"));
  }
  return std::unexpected(in_quotes(text) + ' ' + std::string(why));
}

bool is_token(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kTokenCharacters) == std::string_view::npos;
}

/// The host, and perhaps the port, behind "http://" or "https://"; nothing when it begins
/// otherwise.
std::optional<std::string_view> behind_scheme(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) {
      return text.substr(scheme.size());
    }
  }
  return std::nullopt;
}

/// Why `text` is not a host with perhaps a port, or nothing when it is.
std::optional<std::string> flaw_in_authority(std::string_view text) {
  std::string_view host = text;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 ||
        port.find_first_not_of("0123456789") != std::string_view::npos) {
      return "has no valid port";
    }
    host = text.substr(0, colon);
  }
  if (host.empty() || host.starts_with('*') || !check_host(host)) {
    return "has no valid host";
  }
  return std::nullopt;
}

}  // namespace

Parsed<std::string> check_fallback(std::string_view text) {
  if (!text.starts_with('/') || text.ends_with('/')) {
    return refused(text, "must begin with '/' and name a file beneath the root");
  }
  if (const auto checked = check_mount_path(std::string(text) + '/'); !checked) {
    return std::unexpected(checked.error());
  }
  return std::string(text);
}

Parsed<std::string> check_redirect_from(std::string_view text) {
  const std::string_view path = text.ends_with("/*") ? text.substr(0, text.size() - 1) : text;
  if (!path.starts_with('/')) {
    return refused(text, "must begin with '/'");
  }
  if (path.find('*') != std::string_view::npos) {
    return refused(text, "has a '*' that is not the last part: only /old/* is a pattern");
  }
  const std::string closed = path.ends_with('/') ? std::string(path) : std::string(path) + '/';
  if (const auto checked = check_mount_path(closed); !checked) {
    return std::unexpected(checked.error());
  }
  return std::string(text);
}

Parsed<std::string> check_redirect_to(std::string_view text) {
  if (text.size() > kLongestTarget) {
    return refused(text.substr(0, 40), "and what follows is longer than 2000 bytes");
  }
  const std::string_view target = text.ends_with("/*") ? text.substr(0, text.size() - 1) : text;
  if (std::ranges::any_of(target, [](char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return value <= 0x20 || value >= 0x7F ||
               std::string_view("\"<>\\^`{|}").find(byte) != std::string_view::npos;
      })) {
    return refused(text, "holds a byte that a URI cannot: encode it with %");
  }
  if (target.find('*') != std::string_view::npos) {
    return refused(text, "has a '*' that is not the last part: only /new/* takes the rest");
  }
  if (target.find('#') != std::string_view::npos) {
    return refused(text, "has a fragment");
  }
  if (const auto rest = behind_scheme(target)) {
    const std::string_view authority = rest->substr(0, rest->find_first_of("/?"));
    if (const auto flaw = flaw_in_authority(authority)) {
      return refused(text, *flaw);
    }
    return std::string(text);
  }
  if (!target.starts_with('/') || target.starts_with("//")) {
    return refused(text, "is neither a path that begins with one '/' nor an http or https URL");
  }
  return std::string(text);
}

Parsed<std::string> check_archive_format(std::string_view text) {
  if (text != "tar" && text != "zip") {
    return refused(text, "is not an archive that can be made: tar or zip");
  }
  return std::string(text);
}

Parsed<std::string> check_origin(std::string_view text) {
  if (text == "*") {
    return std::string(text);
  }
  const auto authority = behind_scheme(text);
  if (!authority) {
    return refused(text, "is not an origin: write it as https://app.example.org");
  }
  if (authority->find_first_of("/?#@") != std::string_view::npos) {
    return refused(text, "is more than an origin: nothing may follow the host and its port");
  }
  if (const auto flaw = flaw_in_authority(*authority)) {
    return refused(text, *flaw);
  }
  std::string origin(text);
  for (char& each : origin) {
    if (each >= 'A' && each <= 'Z') {
      each = static_cast<char>(each - 'A' + 'a');
    }
  }
  return origin;
}

Parsed<std::string> check_method(std::string_view text) {
  if (!is_token(text) || text.size() > kLongestToken ||
      std::ranges::any_of(text, [](char byte) { return byte >= 'a' && byte <= 'z'; })) {
    return refused(text, "is not a method in upper case, such as GET");
  }
  return std::string(text);
}

Parsed<std::string> check_field_name(std::string_view text) {
  if (!is_token(text) || text.size() > kLongestToken || text == "*") {
    return refused(text, "is not the name of a header field");
  }
  return std::string(text);
}

}  // namespace sluiced::config
