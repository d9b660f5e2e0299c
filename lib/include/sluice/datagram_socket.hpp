#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <sluice/awaitable.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/socket_address.hpp>
#include <sluice/socket_requests.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// A socket that sends and receives datagrams (udp(7), unix(7)). Owns its descriptor and must
/// outlive every operation on it.
class SLUICE_API DatagramSocket {
 public:
  DatagramSocket() noexcept = default;
  /// Takes over a socket of type SOCK_DGRAM.
  explicit DatagramSocket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// A socket bound to `address`: port 0 has the kernel choose one (local_of()). Does not wait.
  /// Errors of socket(2) and bind(2).
  [[nodiscard]] static Result<DatagramSocket> bind(const SocketAddress& address) noexcept;

  /// Receives one datagram and the address it came from. One that is longer than the buffer is cut
  /// off, and says so. ECANCELED when the caller's scope is cancelled; ECONNREFUSED and the like
  /// are the answers to datagrams sent before (udp(7)).
  [[nodiscard]] Operation<ReceiveFromRequest> receive_from(
      std::span<std::byte> buffer) const noexcept {
    return Operation(ReceiveFromRequest(fd_.get(), buffer));
  }
  /// Sends one datagram, all of it or none: EMSGSIZE when it is too long for the protocol.
  [[nodiscard]] Operation<SendToRequest> send_to(std::span<const std::byte> buffer,
                                                 const SocketAddress& to) const noexcept {
    return Operation(SendToRequest(fd_.get(), buffer, to));
  }

  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// The descriptor, which stays its own; -1 when it is not open.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Closes it on the spot. No operation may be in flight on it.
  void close() noexcept { fd_.reset(); }

 private:
  UniqueFd fd_;
};

}  // namespace sluice
