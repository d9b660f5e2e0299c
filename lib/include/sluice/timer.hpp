#pragma once

#include <coroutine>

#include <sluice/awaitable.hpp>
#include <sluice/cancel.hpp>
#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/timer_heap.hpp>
#include <sluice/executor.hpp>
#include <sluice/result.hpp>

namespace sluice {

/// Waits until a point in time; ECANCELED when the scope is cancelled first.
class SLUICE_API [[nodiscard]] SleepAwaiter final : private detail::TimerNode, private CancelLink {
 public:
  explicit SleepAwaiter(TimePoint until) noexcept : until_(until), is_relative_(false) {}
  explicit SleepAwaiter(Duration duration) noexcept : duration_(duration), is_relative_(true) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) {
    return start(handle.promise());
  }
  Result<void> await_resume() const noexcept {
    return cancelled_ ? Result<void>(failure(std::errc::operation_canceled)) : Result<void>();
  }

 private:
  [[nodiscard]] bool start(detail::PromiseBase& promise);
  void on_expired() noexcept override;
  void on_cancel() noexcept override;

  TimePoint until_{};
  Duration duration_{};
  bool is_relative_;
  bool cancelled_ = false;
  detail::PromiseBase* promise_ = nullptr;
};

/// Waits until a moment of Clock; a moment that has passed waits one turn.
[[nodiscard]] inline SleepAwaiter sleep_until(TimePoint until) noexcept {
  return SleepAwaiter(until);
}
/// Counted from the beginning of the turn that it is called in.
[[nodiscard]] inline SleepAwaiter sleep_for(Duration duration) noexcept {
  return SleepAwaiter(duration);
}

/// A cancel scope with a clock: what is awaited within it ends with ECANCELED once the deadline has
/// passed, and has_expired() tells that from a cancel by the parent.
///
///     Deadline idle(co_await current_context());
///     idle.set(executor.now() + 60s);
///     auto got = co_await socket.receive(buffer).within(idle.scope());
///
/// Made to be moved often: setting a later deadline while armed only stores it, and the heap is put
/// right when the earlier one comes due. A timeout that is pushed back for each request costs the
/// heap nothing.
class SLUICE_API Deadline final : private detail::TimerNode {
 public:
  /// Not armed yet. Its scope is below the scope of `context`.
  explicit Deadline(TaskContext context) noexcept
      : executor_(*context.executor), parent_(context.cancel_scope), scope_(parent_) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { executor_.disarm(*this); }

  /// Arms, or moves the deadline. Starts afresh if an earlier one has expired: nothing may be
  /// awaited within the scope at that time.
  void set(TimePoint deadline);
  /// No deadline any more. Cheap: an armed timer stays in the heap and does nothing when it is due.
  void clear() noexcept { wanted_ = kNever; }
  /// Whether the deadline has passed, and cancelled the scope, since the last set().
  [[nodiscard]] bool has_expired() const noexcept { return expired_; }
  /// What the deadline cancels; await within() it.
  [[nodiscard]] CancelScope& scope() noexcept { return scope_; }

 private:
  void on_expired() noexcept override;

  Executor& executor_;
  CancelScope* parent_;
  CancelScope scope_;
  TimePoint wanted_ = kNever;
  bool expired_ = false;
};

}  // namespace sluice
