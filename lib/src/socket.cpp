#include <sys/socket.h>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include <sluice/socket.hpp>

namespace sluice {

Task<Result<Socket>> Socket::connect(const SocketAddress& address) {
  // Blocking until it is connected: a non-blocking unix socket answers EAGAIN when the listener's
  // queue is full, and nothing tells when to try again.
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    co_return failure(errno);
  }
  const auto connected =
      co_await Operation(ConnectRequest(fd.get(), address.data(), address.size()));
  if (!connected) {
    co_return std::unexpected(connected.error());
  }
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
    co_return failure(errno);
  }
  co_return Socket(std::move(fd));
}

Task<Result<Socket>> Socket::connect(const SocketAddress& address, DirectFiles& table) {
  const int family = address.family();
  auto made = co_await Operation(DirectSocketRequest(table, family, SOCK_STREAM));
  if (!made) {
    co_return std::unexpected(made.error());
  }
  Socket socket(std::move(*made), family);
  const auto connected =
      co_await Operation(ConnectRequest(socket.descriptor(), address.data(), address.size()));
  if (!connected) {
    co_return std::unexpected(connected.error());
  }
  co_return Result<Socket>(std::move(socket));
}

Task<Result<void>> Socket::send_all(std::span<const std::byte> buffer, int flags) const {
  while (!buffer.empty()) {
    // MSG_WAITALL makes the kernel go on after a short send; the loop is for what is short anyway.
    const auto count = co_await send(buffer, flags | MSG_WAITALL);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      co_return failure(EIO);  // send(2) of a stream never answers 0 for bytes it was given
    }
    buffer = buffer.subspan(*count);
  }
  co_return Result<void>();
}

namespace {

// Takes what was sent off the front of the pieces; gives those that are left.
std::span<iovec> without_front(std::span<iovec> pieces, std::size_t sent) noexcept {
  while (!pieces.empty() && sent >= pieces.front().iov_len) {
    sent -= pieces.front().iov_len;
    pieces.front() = {};
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    iovec& first = pieces.front();
    first = {static_cast<std::byte*>(first.iov_base) + sent, first.iov_len - sent};
  }
  return pieces;
}

// What a system call said.
Result<void> outcome_of(int status) noexcept {
  return status == 0 ? Result<void>() : failure(errno);
}

// Of a call that takes a descriptor by its number, on one that has none.
Result<void> no_number(const Descriptor& descriptor) noexcept {
  return failure(descriptor.is_direct() ? EOPNOTSUPP : EBADF);
}

bool lacks_zero_copy(const std::error_code& error) noexcept {
  return error == std::errc::operation_not_supported || error == std::errc::not_enough_memory;
}

}  // namespace

Task<Result<void>> Socket::send_all_vectored(std::span<iovec> pieces, int flags) const {
  pieces = without_front(pieces, 0);
  while (!pieces.empty()) {
    const auto some = pieces.first(std::min(pieces.size(), kMostPieces));
    const auto count = co_await send_vectored(some, flags | MSG_WAITALL);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      co_return failure(EIO);  // send(2) of a stream never answers 0 for bytes it was given
    }
    pieces = without_front(pieces, *count);
  }
  co_return Result<void>();
}

Task<Result<void>> Socket::send_all_zero_copy(std::span<const std::byte> buffer, int flags) const {
  while (!buffer.empty()) {
    const auto count = co_await send_zero_copy(buffer, flags | MSG_WAITALL);
    if (!count && lacks_zero_copy(count.error())) {
      co_return co_await send_all(buffer, flags);
    }
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      co_return failure(EIO);
    }
    buffer = buffer.subspan(*count);
  }
  co_return Result<void>();
}

Operation<PollRequest> Socket::wait_readable() const noexcept {
  return Operation(PollRequest(descriptor(), POLLIN));
}

Operation<PollRequest> Socket::wait_writable() const noexcept {
  return Operation(PollRequest(descriptor(), POLLOUT));
}

Result<std::size_t> Socket::try_send_file(Reactor& reactor, const File& file, std::uint64_t offset,
                                          std::size_t length) const noexcept {
  Submission entry;
  entry.opcode = Opcode::send_file;
  entry.fd = fd();
  entry.file_index = file.fd();
  entry.offset = offset;
  entry.length = transfer_length(length);
  const std::int32_t result = reactor.attempt(entry);
  // sendfile(2) took their numbers for bad ones.
  const bool is_direct = descriptor().is_direct() || file.descriptor().is_direct();
  return result == -EBADF && is_direct ? failure(EOPNOTSUPP) : count_or_error(result);
}

bool Socket::has_bytes_underway() const noexcept {
  int unsent = 0;
  ::ioctl(fd(), SIOCOUTQ, &unsent);
  return unsent > 0 || has_unread_bytes();
}

bool Socket::has_unread_bytes() const noexcept {
  int unread = 0;
  ::ioctl(fd(), SIOCINQ, &unread);
  return unread > 0;
}

Result<void> Socket::shut_down(int how) const noexcept {
  const int number = fd();
  return number < 0 ? no_number(descriptor()) : outcome_of(::shutdown(number, how));
}

Result<void> Socket::set_no_delay() const noexcept { return set_tcp_option(TCP_NODELAY, true); }

Result<void> Socket::set_cork(bool is_set) const noexcept {
  return set_tcp_option(TCP_CORK, is_set);
}

Result<void> Socket::set_tcp_option(int option, bool is_set) const noexcept {
  const int number = fd();
  const int value = is_set ? 1 : 0;
  return number < 0 ? no_number(descriptor())
                    : outcome_of(::setsockopt(number, IPPROTO_TCP, option, &value, sizeof(value)));
}

int Socket::family() const noexcept {
  if (descriptor().is_direct()) {
    return direct_family_;
  }
  const auto local = SocketAddress::local_of(fd());
  return local ? local->family() : AF_UNSPEC;
}

}  // namespace sluice
