#pragma once

/// Ways for the coroutines of one shard to wait for each other: first come, first served, each wait
/// cancellable, no atomic operation and no allocation for any of them. Between shards there are
/// messages instead; see ShardSet.

#include <coroutine>

#include <sluice/channel.hpp>
#include <sluice/event.hpp>
#include <sluice/executor.hpp>
#include <sluice/mutex.hpp>
#include <sluice/semaphore.hpp>

namespace sluice {

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
