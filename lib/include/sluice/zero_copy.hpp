#pragma once

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <span>

#include <sluice/cancel.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/invariant.hpp>
#include <sluice/executor.hpp>
#include <sluice/operation.hpp>
#include <sluice/result.hpp>
#include <sluice/socket.hpp>

namespace sluice {

/// Sends without copying, and tells the count before the buffer is free, so that the next buffer
/// can be filled and sent meanwhile (io_uring_prep_send_zc(3), Linux 6.0). One sender for each
/// buffer:
///
///     ZeroCopySender senders[2] = {ZeroCopySender(socket), ZeroCopySender(socket)};
///     for (std::size_t turn = 0; has_more; ++turn) {
///       ZeroCopySender& sender = senders[turn % 2];
///       co_await sender.released();            // this buffer is ours again
///       fill(buffers[turn % 2]);
///       const auto count = co_await sender.send(buffers[turn % 2]);
///       if (!count) { break; }                 // and await released() of both
///     }
///     co_await senders[0].released();
///     co_await senders[1].released();
///
/// It lives in the frame of the coroutine that uses it, next to the buffer, and costs no
/// allocation. The socket must outlive it. Belongs to one shard. ReactorMetrics counts the buffers
/// that are out (zero_copy_outstanding), and how often the kernel copied after all
/// (zero_copy_copied).
class SLUICE_API ZeroCopySender final : private Waker {
 public:
  /// Sends on `socket`, which must outlive it.
  explicit ZeroCopySender(const Socket& socket) noexcept : socket_(socket) {}
  ZeroCopySender(const ZeroCopySender&) = delete;
  ZeroCopySender& operator=(const ZeroCopySender&) = delete;
  /// Aborts while the kernel has the buffer: await released() first.
  ~ZeroCopySender() {
    detail::invariant(
        !in_flight_,
        "a ZeroCopySender is destroyed only when the kernel has let go of its buffer: "
        "await released() first");
  }

  class SendAwaiter;
  class ReleaseAwaiter;
  /// Sends up to buffer.size() bytes; resumes with the count when they are on their way. The buffer
  /// must not change, nor go, before released(), also when this ends in an error. `flags` as in
  /// send(2); MSG_NOSIGNAL is added. Errors as of Socket::send_zero_copy(). Aborts while the last
  /// buffer is out.
  [[nodiscard]] SendAwaiter send(std::span<const std::byte> buffer, int flags = 0) noexcept;
  /// Waits until the kernel has let go of the buffer; for TCP when the peer has acknowledged it, or
  /// the connection has failed. Not cancellable: the kernel's use of the buffer is not either.
  [[nodiscard]] ReleaseAwaiter released() noexcept;
  /// Whether the kernel is done with every buffer.
  [[nodiscard]] bool is_released() const noexcept { return !in_flight_; }

 private:
  void wake(Completion completion) noexcept override;

  const Socket& socket_;
  SendAwaiter* sending_ = nullptr;
  detail::PromiseBase* releasing_ = nullptr;
  bool in_flight_ = false;
};

/// What ZeroCopySender::send() returns.
class [[nodiscard]] SLUICE_API ZeroCopySender::SendAwaiter final : private CancelLink {
 public:
  SendAwaiter(ZeroCopySender& sender, SendZeroCopyRequest request) noexcept
      : sender_(sender), request_(request) {}
  /// Movable until it is awaited.
  SendAwaiter(SendAwaiter&& other) noexcept
      : sender_(other.sender_), request_(other.request_), scope_(other.scope_) {}
  SendAwaiter& operator=(SendAwaiter&&) = delete;
  ~SendAwaiter() = default;
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] SendAwaiter within(CancelScope& scope) && noexcept {
    scope_ = &scope;
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    return start(handle.promise());
  }
  Result<std::size_t> await_resume() noexcept { return request_.finish(completion_); }

 private:
  friend class ZeroCopySender;
  [[nodiscard]] bool start(detail::PromiseBase& promise) noexcept;
  void on_cancel() noexcept override;

  ZeroCopySender& sender_;
  SendZeroCopyRequest request_;
  CancelScope* scope_ = nullptr;
  detail::PromiseBase* promise_ = nullptr;
  OperationId id_;
  Completion completion_{-ECANCELED, 0};
};

/// What ZeroCopySender::released() returns.
class [[nodiscard]] SLUICE_API ZeroCopySender::ReleaseAwaiter final {
 public:
  explicit ReleaseAwaiter(ZeroCopySender& sender) noexcept : sender_(sender) {}
  [[nodiscard]] bool await_ready() const noexcept { return sender_.is_released(); }
  template <detail::RuntimePromise Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    detail::invariant(sender_.releasing_ == nullptr,
                      "one coroutine at a time awaits the release of a ZeroCopySender");
    sender_.releasing_ = &handle.promise();
  }
  void await_resume() const noexcept {}

 private:
  ZeroCopySender& sender_;
};

inline ZeroCopySender::SendAwaiter ZeroCopySender::send(std::span<const std::byte> buffer,
                                                        int flags) noexcept {
  return {*this, SendZeroCopyRequest(socket_.descriptor(), buffer, flags)};
}

inline ZeroCopySender::ReleaseAwaiter ZeroCopySender::released() noexcept {
  return ReleaseAwaiter(*this);
}

}  // namespace sluice
