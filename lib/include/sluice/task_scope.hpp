#pragma once

#include <coroutine>
#include <cstddef>

#include <sluice/cancel.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// Where a coroutine runs and what cancels it; `co_await current_context()` tells.
struct TaskContext {
  /// The executor of the thread.
  Executor* executor = nullptr;
  /// What cancels it; may be null.
  CancelScope* cancel_scope = nullptr;
};

/// Owns tasks that run side by side. There is no detach: a task spawned here ends before the scope
/// does, and a scope that ends with children alive aborts the program, because their frames hold
/// buffers the kernel may still write into.
///
///     TaskScope scope(co_await current_context());
///     scope.spawn(one());
///     scope.spawn(another());
///     co_await scope.join();
///
/// Belongs to one shard.
class SLUICE_API TaskScope {
 public:
  /// Children run on the context's executor and are cancelled with its scope.
  explicit TaskScope(TaskContext context) noexcept
      : executor_(*context.executor), cancel_scope_(context.cancel_scope) {}
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope();

  /// Takes the task over and makes it ready; it first runs in the executor's next round.
  void spawn(Task<void> task);
  /// Asks all children, and those spawned later, to end early.
  void cancel() noexcept { cancel_scope_.cancel(); }
  /// The scope that the children run under.
  [[nodiscard]] CancelScope& cancel_scope() noexcept { return cancel_scope_; }
  /// Children that have not ended.
  [[nodiscard]] std::size_t alive() const noexcept { return alive_; }

  /// What join() returns.
  class [[nodiscard]] JoinAwaiter {
   public:
    explicit JoinAwaiter(TaskScope& scope) noexcept : scope_(scope) {}
    [[nodiscard]] bool await_ready() const noexcept { return scope_.alive_ == 0; }
    template <detail::RuntimePromise Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      detail::invariant(scope_.joiner_ == nullptr, "one coroutine at a time joins a TaskScope");
      scope_.joiner_ = &handle.promise();
    }
    void await_resume() const noexcept {}

   private:
    TaskScope& scope_;
  };
  /// Waits until no child is alive. Not itself cancellable: cancel the scope to hasten it.
  [[nodiscard]] JoinAwaiter join() noexcept { return JoinAwaiter(*this); }

 private:
  friend class Executor;
  void child_finished() noexcept;

  Executor& executor_;
  CancelScope cancel_scope_;
  std::size_t alive_ = 0;
  detail::PromiseBase* joiner_ = nullptr;
};

/// What current_context() returns. Never suspends.
class [[nodiscard]] CurrentContextAwaiter {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    context_ = {&handle.promise().executor(), handle.promise().cancel_scope()};
    return false;
  }
  [[nodiscard]] TaskContext await_resume() const noexcept { return context_; }

 private:
  TaskContext context_;
};

/// `co_await current_context()`: the executor and the cancel scope of the calling coroutine.
[[nodiscard]] inline CurrentContextAwaiter current_context() noexcept { return {}; }

}  // namespace sluice
