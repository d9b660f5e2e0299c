#pragma once

#include <coroutine>

#include <sluice/cancel.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/executor.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// A condition that coroutines of one shard wait for. Stays set until it is reset; set() makes all
/// who wait ready, in the order they came.
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
  // The place of a Waiter in the list. A member of it and not a base: its other base is a list node
  // too.
  struct Place : detail::ListNode {
    explicit Place(Waiter& owner) noexcept : waiter(owner) {}
    Waiter& waiter;
  };
  detail::IntrusiveList<Place> waiters_;
  bool is_set_ = false;
};

/// What Event::wait() returns.
class [[nodiscard]] Event::Waiter final : private CancelLink {
 public:
  explicit Waiter(Event& event) noexcept : event_(event) {}

  [[nodiscard]] bool await_ready() const noexcept { return event_.is_set_; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    promise_ = &handle.promise();
    CancelScope* scope = promise_->cancel_scope();
    if (scope != nullptr && scope->is_cancelled()) {
      cancelled_ = true;
      return false;
    }
    if (scope != nullptr) {
      scope->attach(*this);
    }
    event_.waiters_.push_back(place_);
    return true;
  }
  Result<void> await_resume() const noexcept {
    return cancelled_ ? Result<void>(failure(std::errc::operation_canceled)) : Result<void>();
  }

 private:
  friend class Event;
  void on_cancel() noexcept override {
    cancelled_ = true;
    place_.unlink();
    promise_->executor().make_ready(*promise_);
  }

  Event& event_;
  Place place_{*this};
  detail::PromiseBase* promise_ = nullptr;
  bool cancelled_ = false;
};

inline Event::Waiter Event::wait() noexcept { return Waiter(*this); }

inline void Event::set() noexcept {
  is_set_ = true;
  while (Place* place = waiters_.pop_front()) {
    Waiter& waiter = place->waiter;
    waiter.detach();
    waiter.promise_->executor().make_ready(*waiter.promise_);
  }
}

/// Lets everything else that is ready run, and completions be reaped, before going on: what a
/// coroutine with much to do and nothing to wait for owes the others.
class [[nodiscard]] YieldAwaiter {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
    handle.promise().executor().make_ready(handle.promise());
  }
  void await_resume() const noexcept {}
};

/// `co_await yield()`: goes to the end of the ready queue; see YieldAwaiter.
[[nodiscard]] inline YieldAwaiter yield() noexcept { return {}; }

}  // namespace sluice
