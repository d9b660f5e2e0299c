#include "config/address.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;
using Family = ListenAddress::Family;

constexpr std::string_view kUnixPrefix = "unix:";

/// The path in struct sockaddr_un ends in a NUL byte (unix(7)).
constexpr std::size_t kLongestUnixPath = sizeof(sockaddr_un{}.sun_path) - 1;

std::unexpected<std::string> refused(std::string_view text, std::string_view why) {
  return std::unexpected(in_quotes(text) + ' ' + std::string(why));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end || leading_zero) {
    return std::nullopt;
  }
  return port;
}

Parsed<ListenAddress> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(kUnixPrefix.size());
  if (!path.starts_with('/')) {
    return refused(text, "needs an absolute path, as in unix:/run/sluice/web.sock");
  }
  if (path.ends_with('/')) {
    return refused(text, "names a directory");
  }
  if (path.size() > kLongestUnixPath) {
    return refused(text, "is too long: the path of a unix socket has at most " +
                             std::to_string(kLongestUnixPath) + " bytes");
  }
  if (path.find('\0') != std::string_view::npos) {
    return refused(text, "contains a NUL byte");
  }
  ListenAddress address;
  address.family = Family::kUnix;
  address.path = path;
  return address;
}

/// Reads the host, which `in_brackets` says was written between [ and ].
Parsed<ListenAddress> parse_host(std::string_view text, std::string_view host, bool in_brackets) {
  ListenAddress address;
  if (host.empty() && !in_brackets) {
    address.family = Family::kIpv6;
    return address;
  }
  address.family = in_brackets ? Family::kIpv6 : Family::kIpv4;
  if (host.find('\0') == std::string_view::npos &&
      inet_pton(in_brackets ? AF_INET6 : AF_INET, std::string(host).c_str(), address.ip.data()) ==
          1) {
    return address;
  }
  if (in_brackets) {
    return refused(text, host.find('%') == std::string_view::npos
                             ? "has no valid IPv6 address between the brackets"
                             : "names a zone, which is not supported");
  }
  if (host.find(':') != std::string_view::npos) {
    return refused(text, "has an IPv6 address without brackets: write \"[::1]:8080\"");
  }
  if (host == "*") {
    return refused(text, "is not an address: leave the host out, as in :8080, for all of them");
  }
  if (host.find_first_not_of("0123456789.") == std::string_view::npos) {
    return refused(text, "has no valid IPv4 address before the port");
  }
  return refused(text, "has a host name, and names are not looked up: write an IP address");
}

}  // namespace

bool ListenAddress::is_wildcard() const noexcept {
  return family != Family::kUnix && std::ranges::all_of(ip, [](auto byte) { return byte == 0; });
}

bool ListenAddress::is_local() const noexcept {
  switch (family) {
    case Family::kIpv4:
      return ip[0] == 127;
    case Family::kIpv6:
      return ip.back() == 1 && std::all_of(ip.begin(), ip.end() - 1, [](auto b) { return b == 0; });
    case Family::kUnix:
      return true;
  }
  return false;
}

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.empty()) {
    return std::unexpected(std::string("the address is empty"));
  }
  if (text.starts_with(kUnixPrefix)) {
    return parse_unix(text);
  }
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool in_brackets = text.starts_with('[');
  if (in_brackets && bracket == std::string_view::npos) {
    return refused(text, "has a [ without its ]");
  }
  if (colon == std::string_view::npos || (in_brackets && colon < bracket)) {
    return refused(text, parse_port(text) ? "has no address: write 127.0.0.1:" + std::string(text) +
                                                ", or :" + std::string(text) + " for all addresses"
                                          : std::string("has no port: write it as in :8080"));
  }
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return refused(text, "has no valid port (0 to 65535) after the last colon");
  }
  if (in_brackets && bracket + 1 != colon) {
    return refused(text, "has something between the ] and the port");
  }
  const std::string_view host = in_brackets ? text.substr(1, bracket - 1) : text.substr(0, colon);
  Parsed<ListenAddress> address = parse_host(text, host, in_brackets);
  if (address) {
    address->port = *port;
  }
  return address;
}

std::string ListenAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (family != Family::kUnix) {
    const int number = family == Family::kIpv4 ? AF_INET : AF_INET6;
    inet_ntop(number, ip.data(), buffer.data(), buffer.size());
  }
  return buffer.data();
}

std::string to_string(const ListenAddress& address) {
  switch (address.family) {
    case Family::kIpv4:
      return address.host() + ':' + std::to_string(address.port);
    case Family::kIpv6:
      return '[' + address.host() + "]:" + std::to_string(address.port);
    case Family::kUnix:
      return std::string(kUnixPrefix) + address.path;
  }
  return {};
}

ListenAddress loopback_address(std::uint16_t port) {
  ListenAddress address;
  address.ip = {127, 0, 0, 1};
  address.port = port;
  return address;
}

bool collide(const ListenAddress& one, const ListenAddress& other) noexcept {
  if (one.family == Family::kUnix || other.family == Family::kUnix) {
    return one == other;
  }
  if (one.port != other.port || one.port == 0) {
    return false;
  }
  return one == other || (one.is_wildcard() && other.is_wildcard());
}

}  // namespace sluiced::config
