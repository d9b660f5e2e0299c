#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <sluice/cancel.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/frame_pool.hpp>
#include <sluice/detail/invariant.hpp>

namespace sluice {

class Executor;
class TaskScope;
template <class T>
class TaskAwaiter;

namespace detail {

class FinalAwaiter;

/// What every coroutine of the runtime carries: where it runs, which scope cancels it, and a place
/// in the ready queue (a coroutine waits for one thing at a time, so one place is enough and
/// becoming ready never allocates).
class PromiseBase {
 public:
  PromiseBase() noexcept = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  [[nodiscard]] static void* operator new(std::size_t bytes) {
    return FramePool::of_this_thread().allocate(bytes);
  }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    FramePool::of_this_thread().release(frame, bytes);
  }

  [[nodiscard]] Executor& executor() const noexcept { return *executor_; }
  [[nodiscard]] CancelScope* cancel_scope() const noexcept { return cancel_scope_; }
  [[nodiscard]] std::coroutine_handle<> self() const noexcept { return self_; }

  /// A child runs on its parent's executor and is cancelled with it.
  void inherit(const PromiseBase& parent, CancelScope* scope) noexcept {
    executor_ = parent.executor_;
    cancel_scope_ = scope != nullptr ? scope : parent.cancel_scope_;
  }

 protected:
  ~PromiseBase() = default;

  Executor* executor_ = nullptr;
  CancelScope* cancel_scope_ = nullptr;
  std::coroutine_handle<> self_;
  PromiseBase* next_ready_ = nullptr;     // beside what resuming needs, on one line of the cache
  std::coroutine_handle<> continuation_;  // who awaits this task
  TaskScope* owner_ = nullptr;            // or who spawned it
  bool finished_ = false;
  bool starting_ = false;

 private:
  friend class ::sluice::Executor;
  friend class ::sluice::TaskScope;
  template <class T>
  friend class ::sluice::TaskAwaiter;
  friend class FinalAwaiter;
};

template <class Promise>
concept RuntimePromise = std::derived_from<Promise, PromiseBase>;

/// Hands control on when a task has run to its end.
class SLUICE_API FinalAwaiter {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <RuntimePromise Promise>
  [[nodiscard]] std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> handle) const noexcept {
    return finish(handle.promise());
  }
  void await_resume() const noexcept {}

 private:
  [[nodiscard]] static std::coroutine_handle<> finish(PromiseBase& promise) noexcept;
};

template <class T>
class TaskPromise;

}  // namespace detail

/// A coroutine that computes a T. Lazy: it begins when it is awaited or spawned. It has one owner:
/// the Task object, until a scope takes it over. Movable until it has begun.
///
/// `co_await task` runs the child at once, on the same stack, until it first has to wait. A child
/// that never waits costs no trip through the ready queue and no stack: a loop of a million awaits
/// that are ready runs flat at every optimisation level and under sanitizers, which the tail calls
/// of symmetric transfer do not give (GCC makes them only at -O2, and never under a sanitizer).
///
/// Destroying a task that has begun and not finished destroys what it waits for, so its operations
/// must be complete: an operation in flight aborts the program instead of leaving the kernel a
/// dangling buffer. Cancel its scope and await it.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  [[nodiscard]] TaskAwaiter<T> operator co_await() && noexcept {
    return TaskAwaiter<T>(std::move(*this), nullptr);
  }
  /// Awaits this task under another scope than the awaiting coroutine's own. The scope must outlive
  /// the await.
  [[nodiscard]] TaskAwaiter<T> within(CancelScope& scope) && noexcept {
    return TaskAwaiter<T>(std::move(*this), &scope);
  }

 private:
  friend class detail::TaskPromise<T>;
  friend class TaskAwaiter<T>;
  friend class TaskScope;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void destroy() noexcept {
    if (handle_) {
      std::exchange(handle_, nullptr).destroy();
    }
  }

  std::coroutine_handle<promise_type> handle_;
};

/// Starts a task inline and waits for it; see Task.
template <class T>
class [[nodiscard]] TaskAwaiter {
 public:
  TaskAwaiter(Task<T> task, CancelScope* scope) noexcept : task_(std::move(task)), scope_(scope) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    detail::invariant(static_cast<bool>(task_.handle_),
                      "a Task is spawned or awaited once: it has been given away already");
    detail::PromiseBase& child = task_.handle_.promise();
    child.inherit(parent.promise(), scope_);
    child.continuation_ = parent;
    child.starting_ = true;
    task_.handle_.resume();
    child.starting_ = false;
    // Finished already: go on here, without a transfer.
    return !child.finished_;
  }
  T await_resume() { return task_.handle_.promise().take(); }

 private:
  Task<T> task_;
  CancelScope* scope_;
};

namespace detail {

template <class T>
class TaskPromiseBase : public PromiseBase {
 public:
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  // Only set-up code throws. The exception surfaces where the task is awaited; a spawned task has
  // nobody to tell, and ends the program.
  void unhandled_exception() noexcept {
    if (owner_ != nullptr) {
      std::terminate();
    }
    exception_ = std::current_exception();
  }

 protected:
  ~TaskPromiseBase() = default;
  void rethrow_if_failed() const {
    if (exception_) [[unlikely]] {
      std::rethrow_exception(exception_);
    }
  }
  std::exception_ptr exception_;
};

template <class T>
class TaskPromise final : public TaskPromiseBase<T> {
 public:
  [[nodiscard]] Task<T> get_return_object() noexcept {
    const auto handle = std::coroutine_handle<TaskPromise>::from_promise(*this);
    this->self_ = handle;
    return Task<T>(handle);
  }
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
    value_.emplace(std::forward<U>(value));
  }
  [[nodiscard]] T take() {
    this->rethrow_if_failed();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase<void> {
 public:
  [[nodiscard]] Task<void> get_return_object() noexcept {
    const auto handle = std::coroutine_handle<TaskPromise>::from_promise(*this);
    self_ = handle;
    return Task<void>(handle);
  }
  void return_void() noexcept {}
  void take() { rethrow_if_failed(); }
};

}  // namespace detail
}  // namespace sluice
