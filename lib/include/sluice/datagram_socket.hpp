#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <sluice/awaitable.hpp>
#include <sluice/descriptor_owner.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/socket_address.hpp>
#include <sluice/socket_requests.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// A socket that sends and receives datagrams (udp(7), unix(7)). Owns its descriptor and must
/// outlive every operation on it.
class SLUICE_API DatagramSocket : public DescriptorOwner {
 public:
  DatagramSocket() noexcept = default;
  /// Takes over a socket of type SOCK_DGRAM.
  explicit DatagramSocket(UniqueFd fd) noexcept : DescriptorOwner(std::move(fd)) {}
  /// Takes over a direct one; see DirectSocketRequest.
  explicit DatagramSocket(DirectDescriptor direct) noexcept : DescriptorOwner(std::move(direct)) {}

  /// A socket bound to `address`: port 0 has the kernel choose one (local_of()). Does not wait.
  /// Errors of socket(2) and bind(2).
  [[nodiscard]] static Result<DatagramSocket> bind(const SocketAddress& address) noexcept;

  /// Receives one datagram and the address it came from. One that is longer than the buffer is cut
  /// off, and says so. ECANCELED when the caller's scope is cancelled; ECONNREFUSED and the like
  /// are the answers to datagrams sent before (udp(7)).
  [[nodiscard]] Operation<ReceiveFromRequest> receive_from(
      std::span<std::byte> buffer) const noexcept {
    return Operation(ReceiveFromRequest(descriptor(), buffer));
  }
  /// Sends one datagram, all of it or none: EMSGSIZE when it is too long for the protocol, EAGAIN
  /// when the unix socket that it is for has no room: nobody tells when it has.
  [[nodiscard]] Operation<SendToRequest> send_to(std::span<const std::byte> buffer,
                                                 const SocketAddress& to) const noexcept {
    return Operation(SendToRequest(descriptor(), buffer, to));
  }
};

}  // namespace sluice
