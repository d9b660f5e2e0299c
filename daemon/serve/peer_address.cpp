#include "serve/peer_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace sluiced::serve {

PeerAddress PeerAddress::ipv4(std::array<std::uint8_t, 4> address) noexcept {
  PeerAddress peer;
  peer.kind_ = Kind::ipv4;
  std::copy(address.begin(), address.end(), peer.bytes_.begin());
  return peer;
}

PeerAddress PeerAddress::ipv6(const std::array<std::uint8_t, 16>& address) noexcept {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
    return ipv4({address[12], address[13], address[14], address[15]});
  }
  PeerAddress peer;
  peer.kind_ = Kind::ipv6;
  peer.bytes_ = address;
  return peer;
}

PeerAddress PeerAddress::of(int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return {};
  }
  PeerAddress peer;
  if (storage.ss_family == AF_INET) {
    const auto* name = reinterpret_cast<const sockaddr_in*>(&storage);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &name->sin_addr, bytes.size());
    peer = ipv4(bytes);
    peer.port_ = ntohs(name->sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto* name = reinterpret_cast<const sockaddr_in6*>(&storage);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &name->sin6_addr, bytes.size());
    peer = ipv6(bytes);
    peer.port_ = ntohs(name->sin6_port);
  }
  return peer;
}

std::uint64_t PeerAddress::network() const noexcept {
  const std::size_t significant = kind_ == Kind::ipv4 ? 4 : 8;
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < significant; ++index) {
    value = (value << 8U) | bytes_[index];
  }
  return value;
}

std::string_view PeerAddress::write(Text& room) const noexcept {
  if (kind_ == Kind::unix_socket ||
      ::inet_ntop(kind_ == Kind::ipv4 ? AF_INET : AF_INET6, bytes_.data(), room.data(),
                  room.size()) == nullptr) {
    return "unix:";
  }
  return room.data();
}

}  // namespace sluiced::serve
