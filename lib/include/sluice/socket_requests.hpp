#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/detail/api.hpp>
#include <sluice/request.hpp>

struct sockaddr;

/// Operations on sockets; request.hpp says how a request is used.
namespace sluice {

/// recv(2). 0: the peer has finished sending.
struct ReceiveRequest : CountResult {
  int fd;
  std::span<std::byte> buffer;
  ReceiveRequest(int fd_in, std::span<std::byte> buffer_in) noexcept
      : fd(fd_in), buffer(buffer_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::receive,
            .fd = fd,
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size())};
  }
};

/// send(2) with MSG_NOSIGNAL added to `flags`. May send less than asked.
struct SendRequest : CountResult {
  int fd;
  std::span<const std::byte> buffer;
  int flags;
  SLUICE_API SendRequest(int fd_in, std::span<const std::byte> buffer_in, int flags_in) noexcept;
  Submission prepare() noexcept {
    return {.opcode = Opcode::send,
            .fd = fd,
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size()),
            .operation_flags = static_cast<std::uint32_t>(flags)};
  }
};

/// connect(2). The address must stay valid until the operation completes.
struct ConnectRequest : VoidResult {
  int fd;
  const sockaddr* address;
  std::uint32_t address_bytes;
  ConnectRequest(int fd_in, const sockaddr* address_in, std::uint32_t bytes_in) noexcept
      : fd(fd_in), address(address_in), address_bytes(bytes_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::connect,
            .fd = fd,
            .offset = address_bytes,
            .address = address_of(address)};
  }
};

}  // namespace sluice
