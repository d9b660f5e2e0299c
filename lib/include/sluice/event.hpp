#pragma once

#include <coroutine>

#include <sluice/detail/waiter.hpp>

namespace sluice {

/// A condition that coroutines of one shard wait for. Stays set until it is reset; set() makes all
/// who wait ready, in the order they came. Any number may wait.
///
/// Belongs to one shard: setting it from another thread while somebody waits aborts.
class Event {
 public:
  Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// Nobody may be waiting.
  ~Event() { detail::invariant(waiters_.empty(), "an Event outlives those who wait for it"); }

  class Waiter;
  /// Waits until the event is set; ECANCELED when the caller's scope is cancelled first.
  [[nodiscard]] Waiter wait() noexcept;

  /// Sets it, and makes ready all who wait. They run later, from the loop.
  void set() noexcept;
  /// Those who wait from now on wait for the next set().
  void reset() noexcept { is_set_ = false; }
  /// Whether it is set.
  [[nodiscard]] bool is_set() const noexcept { return is_set_; }

 private:
  detail::WaiterList<Waiter> waiters_;
  bool is_set_ = false;
};

/// What Event::wait() returns.
class [[nodiscard]] Event::Waiter final : public detail::Waiter {
 public:
  explicit Waiter(Event& event) noexcept : event_(event) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] Waiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return event_.is_set_; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (!begin(handle.promise())) {
      return false;
    }
    event_.waiters_.push_back(*this);
    return true;
  }
  Result<void> await_resume() const noexcept { return outcome(); }

 private:
  Event& event_;
};

inline Event::Waiter Event::wait() noexcept { return Waiter(*this); }

inline void Event::set() noexcept {
  waiters_.expect_own_thread();
  is_set_ = true;
  while (waiters_.grant_front() != nullptr) {
  }
}

}  // namespace sluice
