#include <sluice/socket_address.hpp>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace sluice {

Result<SocketAddress> SocketAddress::ip(std::string_view host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string name(host);
  // getaddrinfo(3) takes "*" for the wildcard, and would not see what follows a zero byte.
  if (name == "*" || name.find('\0') != std::string::npos) {
    return failure(EINVAL);
  }
  if (::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return failure(EINVAL);
  }
  SocketAddress address;
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.size_ = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

Result<SocketAddress> SocketAddress::unix_path(std::string_view path) {
  sockaddr_un name{};
  if (path.empty() || path.size() >= sizeof(name.sun_path)) {
    return failure(path.empty() ? EINVAL : ENAMETOOLONG);
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  std::size_t size = offsetof(sockaddr_un, sun_path) + path.size();
  if (path.front() == '@') {
    name.sun_path[0] = '\0';
  } else {
    ++size;  // the terminating zero
  }
  SocketAddress address;
  std::memcpy(&address.storage_, &name, sizeof(name));
  address.size_ = static_cast<socklen_t>(size);
  return address;
}

Result<SocketAddress> SocketAddress::local_of(int fd) noexcept {
  SocketAddress address;
  address.size_ = sizeof(address.storage_);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
    return failure(errno);
  }
  return address;
}

Result<SocketAddress> SocketAddress::peer_of(int fd) noexcept {
  SocketAddress address;
  address.size_ = sizeof(address.storage_);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
    return failure(errno);
  }
  return address;
}

SocketAddress SocketAddress::from_kernel(const sockaddr_storage& storage, socklen_t size) noexcept {
  SocketAddress address;
  if (size >= sizeof(sa_family_t)) {
    address.storage_ = storage;
    address.size_ = std::min<socklen_t>(size, sizeof(storage));
  }
  return address;
}

std::uint16_t SocketAddress::port() const noexcept {
  switch (family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    default:
      return 0;
  }
}

std::string SocketAddress::to_string() const {
  if (is_unix()) {
    const auto* name = reinterpret_cast<const sockaddr_un*>(&storage_);
    const std::size_t length =
        size_ > offsetof(sockaddr_un, sun_path) ? size_ - offsetof(sockaddr_un, sun_path) : 0;
    if (length > 1 && name->sun_path[0] == '\0') {
      return "unix:@" + std::string(name->sun_path + 1, length - 1);
    }
    return "unix:" + std::string(name->sun_path, ::strnlen(name->sun_path, length));
  }
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(data(), size_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "unknown";
  }
  const std::string port_text = ":" + std::to_string(port());
  return family() == AF_INET6 ? "[" + std::string(host.data()) + "]" + port_text
                              : std::string(host.data()) + port_text;
}

}  // namespace sluice
