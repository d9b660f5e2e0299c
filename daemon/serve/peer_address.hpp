#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluiced::serve {

/// The address of a client, in the 20 bytes that it takes. IPv4 is IPv4 also where it came in
/// through an IPv6 socket.
class PeerAddress {
 public:
  enum class Kind : std::uint8_t { unix_socket, ipv4, ipv6 };
  /// Room for the longest text.
  using Text = std::array<char, 46>;

  PeerAddress() noexcept = default;
  /// getpeername(2); a unix socket where that fails.
  [[nodiscard]] static PeerAddress of(int fd) noexcept;
  [[nodiscard]] static PeerAddress ipv4(std::array<std::uint8_t, 4> address) noexcept;
  [[nodiscard]] static PeerAddress ipv6(const std::array<std::uint8_t, 16>& address) noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The address, or the network of an IPv6 address that one subscriber has to himself: its first
  /// 64 bits (RFC 4291 section 2.5.4).
  [[nodiscard]] std::uint64_t network() const noexcept;
  /// "127.0.0.1", "2001:db8::1", or "unix:". A view into `room`.
  [[nodiscard]] std::string_view write(Text& room) const noexcept;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint16_t port_ = 0;
  Kind kind_ = Kind::unix_socket;
};

}  // namespace sluiced::serve
