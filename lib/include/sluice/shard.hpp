#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <sluice/detail/api.hpp>
#include <sluice/detail/remote_task.hpp>
#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task.hpp>

namespace sluice {

/// How many shards there are, and what each is made with.
struct ShardOptions {
  /// How many threads; 0 makes an empty set.
  unsigned count = 1;
  /// Binds each thread to one CPU of the process's affinity mask, in order.
  bool pin_to_cpus = false;
  /// The ring of each.
  RingOptions ring;
  /// The reactor of each.
  ReactorOptions reactor;
  /// The executor of each.
  ExecutorOptions executor;
  /// Threads are named "<name>-0", "<name>-1", ... (15 bytes at most; see pthread_setname_np(3)).
  std::string thread_name = "shard";
};

/// One thread with a ring, a reactor and an executor of its own.
class Shard {
 public:
  /// For ShardSet, which makes them.
  Shard(unsigned index, Reactor& reactor, Executor& executor) noexcept
      : index_(index), reactor_(reactor), executor_(executor) {}
  /// Its number, from 0.
  [[nodiscard]] unsigned index() const noexcept { return index_; }
  /// Its reactor, for the shard's own thread.
  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }
  /// Its reactor, whose metrics() any thread may read.
  [[nodiscard]] const Reactor& reactor() const noexcept { return reactor_; }
  /// Its executor, for the shard's own thread.
  [[nodiscard]] Executor& executor() noexcept { return executor_; }
  /// Its executor, whose metrics() any thread may read.
  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }

 private:
  unsigned index_;
  Reactor& reactor_;
  Executor& executor_;
};

/// A thread for each core, each with its own ring, reactor and executor. Shards share nothing; they
/// send each other messages. Coroutines stay at home: work is sent to where the data is, and the
/// answer resumes the caller on the caller's shard.
class SLUICE_API ShardSet {
 public:
  /// Starts the threads; returns when every ring is up. The error is the first shard's that failed,
  /// and by then all threads have ended.
  [[nodiscard]] static std::expected<std::unique_ptr<ShardSet>, SetupError> start(
      const ShardOptions& options);
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;
  /// Stops and joins, as stop() and join() do.
  ~ShardSet();

  /// How many shards were started. Any thread.
  [[nodiscard]] unsigned size() const noexcept;
  /// The shard's numbers may be read from any thread; everything else of it belongs to its thread.
  [[nodiscard]] const Shard& shard(unsigned index) const noexcept;

  /// Any thread: runs `work` on the shard's thread, after all that was posted to it before by this
  /// thread. One allocation.
  void post(unsigned index, std::move_only_function<void(Shard&)> work);

  /// What submit_to() returns.
  template <class Work>
  class SubmitAwaiter;
  /// From a coroutine on any shard or executor that takes messages: runs `work(Shard&)` on shard
  /// `index` and resumes at home with what it returned. Not cancellable; no allocation.
  template <class Work>
  [[nodiscard]] SubmitAwaiter<Work> submit_to(unsigned index, Work work) {
    return SubmitAwaiter<Work>(executor_of(index), shard_of(index), std::move(work));
  }
  /// The same where `work(Shard&)` is a coroutine: runs the Task it returns on shard `index` and
  /// resumes at home with what came of it. `work` itself is kept until then, so it may be a lambda
  /// with captures. No allocation but the task's frame, from that shard's pool.
  ///
  /// When the caller's scope is cancelled, a message asks the task there to end, and the caller
  /// waits for its answer: ECANCELED, or the result if that won the race. In a scope that is
  /// cancelled already nothing is sent if the outcome is a Result. When that shard is stopped with
  /// `cancel_tasks`, the task is cancelled like all others there, and answers; a shard whose tasks
  /// have ended still runs what is sent to it until join() is over.
  template <class Work>
    requires detail::MakesTask<Work, Shard&>
  [[nodiscard]] detail::RemoteTask<Work, Shard> submit_to(unsigned index, Work work) {
    return {executor_of(index), shard_of(index), std::move(work)};
  }

  /// Any thread: lets each shard end once it has no more tasks; with `cancel_tasks`, asks them to
  /// end.
  void stop(bool cancel_tasks);
  /// After stop(): waits until the tasks of all shards have ended, and then for the threads. A
  /// shard without tasks answers the others until then. Not from a shard. Nothing may be posted
  /// once it has returned.
  void join();
  /// How many shards have not ended.
  [[nodiscard]] unsigned running() const noexcept;

 private:
  struct Thread;
  ShardSet() = default;
  void run_shard(Thread& thread, const ShardOptions& options);
  [[nodiscard]] Executor& executor_of(unsigned index) const noexcept;
  [[nodiscard]] Shard& shard_of(unsigned index) const noexcept;

  std::vector<std::unique_ptr<Thread>> threads_;
  bool joined_ = false;
};

/// The message that carries the work there and the result back: it lives in the awaiting frame.
template <class Work>
class [[nodiscard]] ShardSet::SubmitAwaiter final : private Message {
 public:
  using Value = std::invoke_result_t<Work&, Shard&>;

  SubmitAwaiter(Executor& there, Shard& shard, Work work)
      : there_(there), shard_(shard), work_(std::move(work)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    promise_ = &handle.promise();
    there_.post(*this);
  }
  Value await_resume() {
    if constexpr (!std::is_void_v<Value>) {
      return std::move(*value_);
    }
  }

 private:
  void run() noexcept override {
    if (is_answer_) {
      promise_->executor().make_ready(*promise_);
      return;
    }
    if constexpr (std::is_void_v<Value>) {
      work_(shard_);
    } else {
      value_.emplace(work_(shard_));
    }
    is_answer_ = true;
    promise_->executor().post(*this);
  }

  using Stored = std::conditional_t<std::is_void_v<Value>, bool, Value>;
  Executor& there_;
  Shard& shard_;
  Work work_;
  detail::PromiseBase* promise_ = nullptr;
  std::optional<Stored> value_;
  bool is_answer_ = false;
};

}  // namespace sluice
