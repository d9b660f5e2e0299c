#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/file.hpp>
#include <sluice/socket_address.hpp>
#include <sluice/socket_requests.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// How far the bytes of a TCP connection have come (TCP_INFO of tcp(7), Linux 4.10).
struct StreamProgress {
  std::uint64_t acknowledged_bytes = 0;  // by the peer, since the connection was made
  /// Bytes of the peer that have arrived, read or not.
  std::uint64_t received_bytes = 0;
  Duration busy{};              // how long there have been bytes for the peer to take, in all
  bool is_outstanding = false;  // the kernel holds bytes that the peer has not acknowledged
};

/// A connected stream socket. Owns its descriptor and must outlive every operation on it. The
/// sockets that Listener and connect() make are non-blocking, which try_send_file() needs; the ring
/// waits for them all the same.
///
/// Closing has an order: shut_down() first, so that the peer sees the end even while a receive is
/// armed (the operation holds the file, and close(2) alone would send nothing), then cancel and
/// await what is in flight, then destroy.
class SLUICE_API Socket {
 public:
  Socket() noexcept = default;
  /// Takes over the descriptor of a connected stream socket.
  explicit Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// A socket connected to `address`, which must stay valid until the task ends. Errors of
  /// socket(2) and connect(2); a cancel, or a deadline, leaves no descriptor behind.
  [[nodiscard]] static Task<Result<Socket>> connect(const SocketAddress& address);

  /// Receives up to buffer.size() bytes; 0: the peer has finished sending.
  [[nodiscard]] Operation<ReceiveRequest> receive(std::span<std::byte> buffer) const noexcept {
    return Operation(ReceiveRequest(fd_.get(), buffer));
  }
  /// Receives into several buffers, filled in order: the array and the buffers must stay valid
  /// until the operation completes. 0: the peer has finished sending. recvmsg(2).
  [[nodiscard]] Operation<ReceiveVectoredRequest> receive_vectored(
      std::span<const iovec> pieces) const noexcept {
    return Operation(ReceiveVectoredRequest(fd_.get(), pieces));
  }

  /// Sends up to buffer.size() bytes. `flags` as in send(2); MSG_NOSIGNAL is added.
  [[nodiscard]] Operation<SendRequest> send(std::span<const std::byte> buffer,
                                            int flags = 0) const noexcept {
    return Operation(SendRequest(fd_.get(), buffer, flags));
  }
  /// Sends all of the buffer, in as many operations as it takes.
  [[nodiscard]] Task<Result<void>> send_all(std::span<const std::byte> buffer, int flags = 0) const;

  /// Sends several buffers in order, as much of them as there is room for, in one operation: the
  /// array and the buffers must stay valid until it completes. At most kMostPieces. sendmsg(2).
  [[nodiscard]] Operation<SendVectoredRequest> send_vectored(std::span<const iovec> pieces,
                                                             int flags = 0) const noexcept {
    return Operation(SendVectoredRequest(fd_.get(), pieces, flags));
  }
  /// Sends all of several buffers, any number of them, in as many operations as it takes. The array
  /// is used up: afterwards, also after an error, it tells what was not sent.
  [[nodiscard]] Task<Result<void>> send_all_vectored(std::span<iovec> pieces, int flags = 0) const;

  /// Sends without copying the bytes, Linux 6.0. Ends when the kernel has let go of the buffer, for
  /// TCP when the peer has acknowledged the bytes; ZeroCopySender gives the count first. Worth it
  /// for large buffers only: below some ten KiB the two completions cost more than the copy, and
  /// on the loopback the kernel copies all the same (ReactorMetrics::zero_copy_copied). EOPNOTSUPP
  /// for a unix socket, ENOMEM beyond RLIMIT_MEMLOCK: send() does both.
  [[nodiscard]] Operation<SendZeroCopyRequest> send_zero_copy(std::span<const std::byte> buffer,
                                                              int flags = 0) const noexcept {
    return Operation(SendZeroCopyRequest(fd_.get(), buffer, flags));
  }
  /// The same of several buffers, Linux 6.1; see send_vectored().
  [[nodiscard]] Operation<SendVectoredZeroCopyRequest> send_vectored_zero_copy(
      std::span<const iovec> pieces, int flags = 0) const noexcept {
    return Operation(SendVectoredZeroCopyRequest(fd_.get(), pieces, flags));
  }
  /// Sends all of the buffer without copying, or with a copy where that is not to be had
  /// (EOPNOTSUPP, ENOMEM).
  [[nodiscard]] Task<Result<void>> send_all_zero_copy(std::span<const std::byte> buffer,
                                                      int flags = 0) const;

  /// Waits until there is something to receive, the peer's end included. Holds no buffer.
  [[nodiscard]] Operation<PollRequest> wait_readable() const noexcept;
  /// Waits until the socket can be written to or has failed.
  [[nodiscard]] Operation<PollRequest> wait_writable() const noexcept;
  /// Waits for any of `events` of poll(2); gives those that came, POLLERR and POLLHUP too.
  [[nodiscard]] Operation<PollRequest> poll(std::uint32_t events) const noexcept {
    return Operation(PollRequest(fd_.get(), events));
  }

  /// sendfile(2) at once, as much as there is room for: EAGAIN when there is none
  /// (wait_writable()), 0 when the file ends at `offset`. Waits for the disk if the file is not in
  /// the page cache. The file's own position does not move.
  [[nodiscard]] Result<std::size_t> try_send_file(Reactor& reactor, const File& file,
                                                  std::uint64_t offset,
                                                  std::size_t length) const noexcept;

  /// Whether the kernel still holds bytes of this connection: sent and not acknowledged, or
  /// received and not read (SIOCOUTQ and SIOCINQ of tcp(7), unix(7)). Closing with bytes unread
  /// makes a TCP connection end in a reset, which takes what was sent with it.
  [[nodiscard]] bool has_bytes_underway() const noexcept;

  /// What the peer has taken and given so far, which says more than what send() and try_send_file()
  /// count: the kernel buffers megabytes. Nothing for a socket that is not TCP. One system call.
  [[nodiscard]] std::optional<StreamProgress> progress() const noexcept;

  /// shutdown(2) at once: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. Not an operation of the ring:
  /// that one is always handed to a worker thread, and the call itself never waits. It fails only
  /// when there is nothing left to shut down (ENOTCONN).
  void shut_down(int how) const noexcept;
  /// TCP_NODELAY; has no effect on a unix socket.
  void set_no_delay() const noexcept;

  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// The descriptor, which stays its own; -1 when it is not open.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// close(2) at once. No operation may be in flight on it.
  void close() noexcept { fd_.reset(); }

 private:
  UniqueFd fd_;
};

}  // namespace sluice
