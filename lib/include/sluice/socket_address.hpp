#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <sluice/detail/api.hpp>
#include <sluice/result.hpp>

namespace sluice {

/// The address of a socket: IPv4, IPv6 or a unix socket. A plain value.
class SLUICE_API SocketAddress {
 public:
  SocketAddress() noexcept = default;

  /// `host` is a numeric IPv4 or IPv6 address (with an optional %zone), never a name: resolving
  /// names would block. EINVAL otherwise.
  [[nodiscard]] static Result<SocketAddress> ip(std::string_view host, std::uint16_t port);
  /// A path in the file system, or an abstract name when it begins with '@'. ENAMETOOLONG beyond
  /// 107 bytes (unix(7)).
  [[nodiscard]] static Result<SocketAddress> unix_path(std::string_view path);
  /// The address a socket is bound to (getsockname(2)).
  [[nodiscard]] static Result<SocketAddress> local_of(int fd) noexcept;
  /// The address of a socket's peer (getpeername(2)).
  [[nodiscard]] static Result<SocketAddress> peer_of(int fd) noexcept;

  /// An address as a system call wrote it; `size` is what the call said it wrote.
  [[nodiscard]] static SocketAddress from_kernel(const sockaddr_storage& storage,
                                                 socklen_t size) noexcept;

  /// AF_INET, AF_INET6 or AF_UNIX; 0 for an empty address.
  [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
  /// Whether it names a unix socket.
  [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
  /// 0 for a unix socket.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock", "unix:@name".
  [[nodiscard]] std::string to_string() const;

  /// For bind(2), connect(2) and the requests; valid as long as this object.
  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  /// The bytes that data() points at.
  [[nodiscard]] socklen_t size() const noexcept { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace sluice
