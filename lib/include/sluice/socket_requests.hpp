#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/detail/api.hpp>
#include <sluice/request.hpp>
#include <sluice/socket_address.hpp>

/// Operations on sockets; request.hpp says how a request is used. All of them are older than the
/// floor of the runtime, Linux 6.1, so that none needs a fall-back for want of a kernel; where a
/// kind of socket does not know one, that is said.
namespace sluice {

/// A piece of a vectored receive.
[[nodiscard]] inline iovec piece_to_fill(std::span<std::byte> buffer) noexcept {
  return {buffer.data(), buffer.size()};
}
/// A piece of a vectored send. The kernel only reads it.
[[nodiscard]] inline iovec piece_to_send(std::span<const std::byte> buffer) noexcept {
  return {const_cast<std::byte*>(buffer.data()), buffer.size()};
}

/// recv(2), Linux 5.6. 0: the peer has finished sending, or the buffer has no room.
struct ReceiveRequest : CountResult, OnDescriptor {
  std::span<std::byte> buffer;
  ReceiveRequest(Descriptor fd_in, std::span<std::byte> buffer_in) noexcept
      : OnDescriptor(fd_in), buffer(buffer_in) {}
  Submission prepare() noexcept {
    return message(Opcode::receive, buffer.data(), transfer_length(buffer.size()), 0);
  }
};

/// send(2) with MSG_NOSIGNAL added to `flags`, Linux 5.6. May send less than asked.
struct SendRequest : CountResult, OnDescriptor {
  std::span<const std::byte> buffer;
  int flags;
  SLUICE_API SendRequest(Descriptor fd_in, std::span<const std::byte> buffer_in,
                         int flags_in) noexcept;
  Submission prepare() noexcept {
    return message(Opcode::send, buffer.data(), transfer_length(buffer.size()), flags);
  }
};

/// send(2) without copying the bytes (io_uring_prep_send_zc(3), Linux 6.0). The kernel completes it
/// twice, with the count and when it has let go of the buffer; awaited as an Operation it ends with
/// the second, so that afterwards the buffer is the caller's again. For TCP that is when the peer
/// has acknowledged the bytes, and a cancel does not hasten it once the count is known.
///
/// EOPNOTSUPP: not for this kind of socket (unix sockets); ENOMEM: pages are locked for it, up to
/// RLIMIT_MEMLOCK. SendRequest does both.
struct SendZeroCopyRequest : SendRequest {
  using SendRequest::SendRequest;
  Submission prepare() noexcept {
    Submission entry = SendRequest::prepare();
    entry.opcode = Opcode::send_zero_copy;
    return entry;
  }
};

/// recvmsg(2) into several buffers, filled in order, Linux 5.3. The array of pieces and the buffers
/// must stay valid until the operation completes. 0: the peer has finished sending.
struct ReceiveVectoredRequest : CountResult, OnDescriptor {
  msghdr header{};
  SLUICE_API ReceiveVectoredRequest(Descriptor fd_in, std::span<const iovec> pieces) noexcept;
  Submission prepare() noexcept { return message(Opcode::recvmsg, &header, 1, 0); }
};

/// sendmsg(2) of several buffers in order, with MSG_NOSIGNAL added to `flags`, Linux 5.3. The array
/// of pieces and the buffers must stay valid until the operation completes. May send less than all.
struct SendVectoredRequest : CountResult, OnDescriptor {
  int flags;
  msghdr header{};
  SLUICE_API SendVectoredRequest(Descriptor fd_in, std::span<const iovec> pieces,
                                 int flags_in) noexcept;
  Submission prepare() noexcept { return message(Opcode::sendmsg, &header, 1, flags); }
};

/// The same without copying (io_uring_prep_sendmsg_zc(3), Linux 6.1); see SendZeroCopyRequest.
struct SendVectoredZeroCopyRequest : SendVectoredRequest {
  using SendVectoredRequest::SendVectoredRequest;
  Submission prepare() noexcept {
    Submission entry = SendVectoredRequest::prepare();
    entry.opcode = Opcode::sendmsg_zero_copy;
    return entry;
  }
};

/// A datagram that was received.
struct Datagram {
  std::size_t length_bytes = 0;  // of what is in the buffer
  SocketAddress from;            // without a family when the sender's socket has no name
  bool is_truncated = false;     // it was longer than the buffer, and the rest is gone
};

/// recvmsg(2) of one datagram and its sender's address, Linux 5.3.
struct ReceiveFromRequest : OnDescriptor {
  iovec piece;
  sockaddr_storage name{};
  msghdr header{};
  ReceiveFromRequest(Descriptor fd_in, std::span<std::byte> buffer) noexcept
      : OnDescriptor(fd_in), piece(piece_to_fill(buffer)) {}
  SLUICE_API Submission prepare() noexcept;
  SLUICE_API Result<Datagram> finish(Completion completion) noexcept;
};

/// sendmsg(2) of one datagram to an address, which is copied, Linux 5.3. Sends all of it or fails
/// (EMSGSIZE when it is too long for the protocol).
struct SendToRequest : CountResult, OnDescriptor {
  iovec piece;
  SocketAddress to;
  msghdr header{};
  SendToRequest(Descriptor fd_in, std::span<const std::byte> buffer,
                const SocketAddress& to_in) noexcept
      : OnDescriptor(fd_in), piece(piece_to_send(buffer)), to(to_in) {}
  SLUICE_API Submission prepare() noexcept;
};

/// connect(2), Linux 5.5. The address must stay valid until the operation completes. To a unix
/// socket it always runs on a worker of the kernel's.
struct ConnectRequest : VoidResult, OnDescriptor {
  const sockaddr* address;
  std::uint32_t address_bytes;
  ConnectRequest(Descriptor fd_in, const sockaddr* address_in, std::uint32_t bytes_in) noexcept
      : OnDescriptor(fd_in), address(address_in), address_bytes(bytes_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::connect);
    // Where the listener's queue is full, the kernel takes a unix socket for ready and tries again
    // and again before a worker waits for room; a cancel in between finds nothing and is lost.
    entry.flags |= address->sa_family == AF_UNIX ? kSubmissionAsync : 0;
    entry.offset = address_bytes;
    entry.address = address_of(address);
    return entry;
  }
};

/// shutdown(2), Linux 5.11: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. Always runs on a worker of the
/// kernel's.
struct ShutdownRequest : VoidResult, OnDescriptor {
  int how;
  ShutdownRequest(Descriptor fd_in, int how_in) noexcept : OnDescriptor(fd_in), how(how_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::shutdown);
    entry.length = static_cast<std::uint32_t>(how);
    return entry;
  }
};

/// socket(2) into a table of direct descriptors, Linux 5.19. `type` without SOCK_CLOEXEC: a direct
/// descriptor is never inherited, and the kernel refuses the bit (EINVAL).
struct DirectSocketRequest : DirectResult {
  int family;
  int type;
  DirectSocketRequest(DirectFiles& table_in, int family_in, int type_in) noexcept
      : DirectResult(table_in), family(family_in), type(type_in) {}
  Submission prepare() noexcept {
    return into_table({.opcode = Opcode::socket,
                       .fd = family,
                       .offset = static_cast<std::uint64_t>(type),
                       .length = 0});  // the protocol
  }
};

}  // namespace sluice
