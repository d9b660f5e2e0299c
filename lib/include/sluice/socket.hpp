#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <sluice/clock.hpp>
#include <sluice/descriptor_owner.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
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
/// await what is in flight, then close() or destroy.
///
/// A Socket with a direct descriptor (connect() into a table, and a Listener that accepts into one)
/// does all that is awaited, and on another shard answers EBADF. What needs a descriptor of the
/// process is not to be had: try_send_file(), shut_down(), set_no_delay() and set_cork() answer
/// EOPNOTSUPP,
/// has_bytes_underway() false and progress() nothing. shut_down_on_ring() takes the place of
/// shut_down(); options are inherited from the listening socket, where they can be set (tcp(7)).
class SLUICE_API Socket : public DescriptorOwner {
 public:
  Socket() noexcept = default;
  /// Takes over the descriptor of a connected stream socket.
  explicit Socket(UniqueFd fd) noexcept : DescriptorOwner(std::move(fd)) {}
  /// Takes over a direct one. `family` is its address family (AF_INET, AF_UNIX ...), which no
  /// system call can tell.
  Socket(DirectDescriptor direct, int family) noexcept
      : DescriptorOwner(std::move(direct)), direct_family_(family) {}

  /// A socket connected to `address`, which must stay valid until the task ends. Errors of
  /// socket(2) and connect(2); a cancel, or a deadline, leaves no descriptor behind.
  [[nodiscard]] static Task<Result<Socket>> connect(const SocketAddress& address);
  /// The same with a direct descriptor, in a place of `table`. ENFILE: the table is full. Linux
  /// 5.19 (socket(2) as an operation).
  [[nodiscard]] static Task<Result<Socket>> connect(const SocketAddress& address,
                                                    DirectFiles& table);

  /// Receives up to buffer.size() bytes; 0: the peer has finished sending.
  [[nodiscard]] Operation<ReceiveRequest> receive(std::span<std::byte> buffer) const noexcept {
    return Operation(ReceiveRequest(descriptor(), buffer));
  }
  /// Receives into several buffers, filled in order: the array and the buffers must stay valid
  /// until the operation completes. 0: the peer has finished sending. recvmsg(2).
  [[nodiscard]] Operation<ReceiveVectoredRequest> receive_vectored(
      std::span<const iovec> pieces) const noexcept {
    return Operation(ReceiveVectoredRequest(descriptor(), pieces));
  }

  /// Sends up to buffer.size() bytes. `flags` as in send(2); MSG_NOSIGNAL is added.
  [[nodiscard]] Operation<SendRequest> send(std::span<const std::byte> buffer,
                                            int flags = 0) const noexcept {
    return Operation(SendRequest(descriptor(), buffer, flags));
  }
  /// Sends all of the buffer, in as many operations as it takes.
  [[nodiscard]] Task<Result<void>> send_all(std::span<const std::byte> buffer, int flags = 0) const;

  /// Sends several buffers in order, as much of them as there is room for, in one operation: the
  /// array and the buffers must stay valid until it completes. At most kMostPieces. sendmsg(2).
  [[nodiscard]] Operation<SendVectoredRequest> send_vectored(std::span<const iovec> pieces,
                                                             int flags = 0) const noexcept {
    return Operation(SendVectoredRequest(descriptor(), pieces, flags));
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
    return Operation(SendZeroCopyRequest(descriptor(), buffer, flags));
  }
  /// The same of several buffers, Linux 6.1; see send_vectored().
  [[nodiscard]] Operation<SendVectoredZeroCopyRequest> send_vectored_zero_copy(
      std::span<const iovec> pieces, int flags = 0) const noexcept {
    return Operation(SendVectoredZeroCopyRequest(descriptor(), pieces, flags));
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
    return Operation(PollRequest(descriptor(), events));
  }

  /// sendfile(2) at once, as much as there is room for: EAGAIN when there is none
  /// (wait_writable()), 0 when the file ends at `offset`. Waits for the disk if the file is not in
  /// the page cache. The file's own position does not move. EOPNOTSUPP: one of the two is a direct
  /// descriptor.
  [[nodiscard]] Result<std::size_t> try_send_file(Reactor& reactor, const File& file,
                                                  std::uint64_t offset,
                                                  std::size_t length) const noexcept;

  /// Whether the kernel still holds bytes of this connection: sent and not acknowledged, or
  /// received and not read (SIOCOUTQ and SIOCINQ of tcp(7), unix(7)). Closing with bytes unread
  /// makes a TCP connection end in a reset, which takes what was sent with it.
  [[nodiscard]] bool has_bytes_underway() const noexcept;

  /// Whether something has been received that nobody has read (SIOCINQ).
  [[nodiscard]] bool has_unread_bytes() const noexcept;

  /// What the peer has taken and given so far, which says more than what send() and try_send_file()
  /// count: the kernel buffers megabytes. Nothing for a socket that is not TCP. One system call.
  [[nodiscard]] std::optional<StreamProgress> progress() const noexcept;

  /// shutdown(2) at once: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. Not an operation of the ring:
  /// that one is always handed to a worker thread, and the call itself never waits. It fails only
  /// when there is nothing left to shut down (ENOTCONN), which may be ignored, or for a direct
  /// descriptor (EOPNOTSUPP).
  Result<void> shut_down(int how) const noexcept;
  /// The same as an operation, of either kind of descriptor. Linux 5.11.
  [[nodiscard]] Operation<ShutdownRequest> shut_down_on_ring(int how) const noexcept {
    return Operation(ShutdownRequest(descriptor(), how));
  }
  /// TCP_NODELAY. EOPNOTSUPP: a unix socket, which has no such thing, or a direct descriptor.
  Result<void> set_no_delay() const noexcept;
  /// TCP_CORK of tcp(7): while it is set only full segments are sent, for up to 200 ms; taking it
  /// back sends the rest, also where TCP_NODELAY is set. What MSG_MORE is to send(), for
  /// try_send_file(), which has no flags. Errors as of set_no_delay().
  Result<void> set_cork(bool is_set) const noexcept;

  /// Its address family, such as AF_INET; AF_UNSPEC when it is not open. A system call, but not for
  /// a direct descriptor.
  [[nodiscard]] int family() const noexcept;

 private:
  Result<void> set_tcp_option(int option, bool is_set) const noexcept;

  int direct_family_ = AF_UNSPEC;
};

}  // namespace sluice
