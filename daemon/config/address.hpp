#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/scalar.hpp"

namespace sluiced::config {

/// Where to listen. A plain value: nothing is looked up and no socket is made.
struct ListenAddress {
  enum class Family : std::uint8_t { kIpv4, kIpv6, kUnix };

  Family family = Family::kIpv4;
  /// The address in network order; IPv4 uses the first four bytes.
  std::array<std::uint8_t, 16> ip{};
  /// 0 lets the kernel choose a free port.
  std::uint16_t port = 0;
  /// The file of a unix socket, absolute; empty for the other families.
  std::string path;

  /// Whether every address of the host is meant.
  [[nodiscard]] bool is_wildcard() const noexcept;
  /// The IPv6 wildcard takes IPv4 connections too (IPV6_V6ONLY off), unlike any other IPv6 address.
  [[nodiscard]] bool is_dual_stack() const noexcept {
    return family == Family::kIpv6 && is_wildcard();
  }
  /// The numeric address without port or brackets, as `::1`; empty for a unix socket.
  [[nodiscard]] std::string host() const;
  /// Whether only this host can connect: 127.0.0.0/8, ::1, or a unix socket.
  [[nodiscard]] bool is_local() const noexcept;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// Reads `1.2.3.4:80`, `[2001:db8::1]:80`, `:80` (every IPv4 and IPv6 address, the same as
/// `[::]:80`) or `unix:/absolute/path`. Host names are refused, so that starting never waits for a
/// name server.
[[nodiscard]] Parsed<ListenAddress> parse_listen_address(std::string_view text);

/// What parse_listen_address() reads as the same address.
[[nodiscard]] std::string to_string(const ListenAddress& address);

/// 127.0.0.1 with this port.
[[nodiscard]] ListenAddress loopback_address(std::uint16_t port);

/// Whether a listener on one leaves no room for a listener on the other: the same address and port,
/// or IPv4's wildcard beside IPv6's.
[[nodiscard]] bool collide(const ListenAddress& one, const ListenAddress& other) noexcept;

}  // namespace sluiced::config
