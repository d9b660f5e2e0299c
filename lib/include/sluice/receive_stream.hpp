#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/detail/api.hpp>
#include <sluice/detail/waiter.hpp>
#include <sluice/operation.hpp>
#include <sluice/provided_buffers.hpp>
#include <sluice/result.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// How a stream receives.
struct ReceiveStreamOptions {
  /// How many filled buffers may wait here before the stream stops receiving until they are taken,
  /// so that one slow reader does not use up the pool. At least 1. The kernel may fill some more
  /// before it hears of it.
  std::uint32_t most_waiting = 16;
  /// Whether one operation goes on receiving. Without, each next() arms one that ends with the
  /// first bytes: some percent more work for each of them, but nothing is received that nobody
  /// waits for, so that who is busy holds no buffer, and close() has nothing to cancel as a rule.
  bool multishot = true;
  /// Without `multishot`: another pool, of the same shard, for streams whose bytes come when they
  /// are waited for, as those of a client do that sends its next request when it has the answer.
  /// Such a stream goes on with one operation, from this pool. As soon as bytes come that nobody
  /// waits for, or the pool is empty, each next() arms its own again. So whoever sends more than is
  /// asked for can use up this pool only, and nobody has to wait for that. Not for unix sockets,
  /// where one operation has to be asked besides whether it missed the end. Must outlive the
  /// stream.
  ProvidedBuffers* multishot_buffers = nullptr;
};

/// Everything that arrives on a connected stream socket, by one operation: a multishot receive
/// (IORING_RECV_MULTISHOT of io_uring_prep_recv_multishot(3), Linux 6.0) that takes a buffer of
/// `buffers` whenever bytes are there. While the connection is idle it holds none.
///
///     ReceiveStream stream(executor, socket, buffers);
///     while (true) {
///       const auto got = co_await stream.next();
///       if (!got || got->empty()) { break; }      // an error, or the peer has finished
///       use(got->bytes());
///     }                                           // the buffer goes back here
///     co_await stream.close();
///
/// The multishot receive is below the floor of the runtime (Linux 6.1), so nothing stands in for
/// it; Socket::receive() is the way to receive into a buffer of one's own. Nobody else may receive
/// from the socket while the stream exists. The socket and the buffers must outlive it. Not for
/// datagrams: one of no bytes would look like the end.
///
/// One coroutine at a time waits for the next bytes. Belongs to one shard.
class SLUICE_API ReceiveStream final : private Waker {
 public:
  /// Receives from `socket` into `buffers`, which are of the same shard as `executor`; all three
  /// must outlive it. Nothing is asked of the kernel before the first next().
  ReceiveStream(Executor& executor, const Socket& socket, ProvidedBuffers& buffers,
                ReceiveStreamOptions options = {}) noexcept;
  ReceiveStream(const ReceiveStream&) = delete;
  ReceiveStream& operator=(const ReceiveStream&) = delete;
  /// Aborts while the receive is armed or somebody waits: close() first. Bytes that nobody took are
  /// dropped, and their buffers go back to the pool.
  ~ReceiveStream();

  class NextAwaiter;
  /// The next bytes that arrive; without bytes when the peer has finished sending, each time from
  /// then on. Errors:
  ///   ECANCELED   the caller's scope is cancelled, or the stream was closed and all is taken. The
  ///               stream itself goes on: nothing that arrives is lost, the next call gets it
  ///   ENOBUFS     the reactor has max_operations registered; may be tried again
  ///   any other   of recv(2), such as ECONNRESET; after all that came before it, and each time
  ///               from then on
  /// That the pool has no buffer is no error; it waits.
  [[nodiscard]] NextAwaiter next() noexcept;
  /// The same under another scope than the awaiting coroutine's own: next().within(scope), with one
  /// awaiter in the frame instead of two.
  [[nodiscard]] NextAwaiter next(CancelScope& scope) noexcept;

  /// What has come already, at once and into a buffer of the caller's, which is not empty: for who
  /// has reason to believe that there is something, and would rather not go through the ring. Gives
  /// how many bytes; 0: the peer has finished sending. EAGAIN: nothing yet, or it is next() that
  /// gets what there is, since bytes wait here or a receive is armed. Other errors as of next().
  [[nodiscard]] Result<std::size_t> try_receive(std::span<std::byte> buffer) noexcept;

  /// Ends the receive and waits until the kernel has let go, which a cancel of the caller's scope
  /// does not cut short. What has arrived by then is still handed out by next(), which then answers
  /// ECANCELED; so a protocol can change hands without losing a byte.
  [[nodiscard]] Task<void> close();
  /// Whether a receive is armed. If not, close() has nothing to wait for, and the stream may go
  /// without it.
  [[nodiscard]] bool is_receiving() const noexcept { return armed_; }

  /// Filled buffers that wait to be taken.
  [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_; }

 private:
  friend class ProvidedBuffers;
  class DrainAwaiter;

  [[nodiscard]] bool is_done() const noexcept { return closed_ || ended_ || error_ != 0; }
  [[nodiscard]] Result<ReceivedBytes> take() noexcept;
  void arm_if_wanted() noexcept;
  // False when the reactor has no place for an operation; then the waiter has been told.
  bool arm() noexcept;
  [[nodiscard]] bool is_readable() const noexcept;
  void look_for_missed_end() noexcept;
  [[nodiscard]] bool goes_on() const noexcept {
    return is_multishot_ || buffers_ == multishot_buffers_;
  }
  void choose_buffers() noexcept;
  void wake(Completion completion) noexcept override;
  void keep(std::uint16_t id, std::uint32_t length) noexcept;
  void note_error(int error) noexcept;
  void begin_close() noexcept;

  Executor& executor_;
  const Socket& socket_;
  ProvidedBuffers& own_buffers_;
  ProvidedBuffers* multishot_buffers_;
  ProvidedBuffers* buffers_;  // of these, those of the receive that is armed and of what waits here
  ProvidedBuffers::Starved starved_{*this};
  detail::WaiterList<NextAwaiter> waiter_;  // one at most
  detail::IntrusiveList<DrainAwaiter> closers_;
  OperationId id_;
  std::uint32_t most_waiting_;
  bool is_multishot_;
  std::uint32_t waiting_ = 0;
  std::uint16_t first_ = 0;  // of the buffers that wait here, linked by ProvidedBuffers::Filled
  std::uint16_t last_ = 0;
  int error_ = 0;                      // for good
  int passing_error_ = 0;              // told once
  std::uint8_t awaited_in_a_row_ = 0;  // times that bytes came to somebody who waited for them
  bool armed_ = false;
  bool is_promised_ = false;  // armed because a buffer came free
  bool out_of_buffers_ = false;
  bool is_unix_ = false;
  bool may_have_missed_end_ = false;
  bool ended_ = false;  // the peer has finished
  bool closed_ = false;
};

/// What ReceiveStream::next() returns.
class [[nodiscard]] SLUICE_API ReceiveStream::NextAwaiter final : public detail::Waiter {
 public:
  explicit NextAwaiter(ReceiveStream& stream, CancelScope* scope = nullptr) noexcept
      : detail::Waiter(scope), stream_(stream) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] NextAwaiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    return begin(handle.promise()) && wait();
  }
  Result<ReceivedBytes> await_resume() noexcept {
    if (was_cancelled()) {
      return failure(std::errc::operation_canceled);
    }
    return stream_.take();
  }

 private:
  [[nodiscard]] bool wait() noexcept;
  // Nobody wants bytes now, so the stream wants no buffer either.
  void on_left() noexcept override { stream_.starved_.unlink(); }

  ReceiveStream& stream_;
};

}  // namespace sluice
