#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sluice/detail/api.hpp>
#include <sluice/executor.hpp>
#include <sluice/metrics.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// How large a BlockingPool is.
struct BlockingPoolOptions {
  /// How many calls run at the same time; each thread lives as long as the pool.
  unsigned threads = 2;
  /// The most calls waiting for a thread; one more is refused with EAGAIN.
  std::size_t queue_limit = 1024;
};

/// A few threads for the calls that the ring has no operation for and that may wait for a disk:
/// reading a directory, for one. Any shard may use it; the caller is resumed at home.
///
/// What a thread is in cannot be stopped: run() is not cancellable, and its coroutine must be
/// awaited to the end.
class SLUICE_API BlockingPool {
 public:
  /// Starts the threads. Throws std::system_error when one cannot be made (pthread_create(3)).
  explicit BlockingPool(const BlockingPoolOptions& options);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Waits for the calls that are running or queued.
  ~BlockingPool();

  /// What run() returns.
  template <class Work>
  class [[nodiscard]] RunAwaiter;
  /// Runs `work()` on a thread of the pool and resumes with its value: Result<value>, the error
  /// being EAGAIN when too many calls are waiting. The calling coroutine's executor must take
  /// messages (Executor::enable_messages()).
  template <class Work>
  [[nodiscard]] RunAwaiter<Work> run(Work work) {
    return RunAwaiter<Work>(*this, std::move(work));
  }

  /// Calls queued or running now.
  [[nodiscard]] std::size_t pending() const;

 private:
  class Job {
   public:
    virtual void execute() noexcept = 0;
    virtual void deliver() noexcept = 0;  // the last thing that is done with the job

   protected:
    ~Job() = default;
  };
  [[nodiscard]] bool enqueue(Job& job);
  void work();

  std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable work_there_;
  std::deque<Job*> queue_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// The call as an awaitable: it lives in the frame of the coroutine that awaits it.
template <class Work>
class [[nodiscard]] BlockingPool::RunAwaiter final : private Job, private Message {
 public:
  using Value = std::invoke_result_t<Work&>;
  static_assert(!std::is_void_v<Value>, "work for a BlockingPool returns a value");

  RunAwaiter(BlockingPool& pool, Work work) : pool_(pool), work_(std::move(work)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) {
    promise_ = &handle.promise();
    return pool_.enqueue(*this);
  }
  Result<Value> await_resume() {
    if (!value_) {
      return failure(EAGAIN);
    }
    return std::move(*value_);
  }

 private:
  void execute() noexcept override { value_.emplace(work_()); }
  void deliver() noexcept override { promise_->executor().post(*this); }
  void run() noexcept override { promise_->executor().make_ready(*promise_); }

  BlockingPool& pool_;
  Work work_;
  detail::PromiseBase* promise_ = nullptr;
  std::optional<Value> value_;
};

}  // namespace sluice
