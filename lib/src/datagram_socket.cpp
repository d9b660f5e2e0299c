#include <sluice/datagram_socket.hpp>

#include <sys/socket.h>

#include <cerrno>

namespace sluice {

Result<DatagramSocket> DatagramSocket::bind(const SocketAddress& address) noexcept {
  UniqueFd fd(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), address.data(), address.size()) != 0) {
    return failure(errno);
  }
  return DatagramSocket(std::move(fd));
}

}  // namespace sluice
