#pragma once

#include <coroutine>
#include <cstdint>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/invariant.hpp>
#include <sluice/detail/mpsc_queue.hpp>
#include <sluice/detail/timer_heap.hpp>
#include <sluice/metrics.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task.hpp>
#include <sluice/task_scope.hpp>

namespace sluice {

/// How an Executor shares its thread out.
struct ExecutorOptions {
  /// The most coroutines resumed between two looks at the ring, so that one busy task cannot hold
  /// up completions, timers and messages.
  unsigned resumes_per_turn = 64;
};

/// The numbers of one executor. Written by its thread only, read by any.
struct ExecutorMetrics {
  /// Turns of the loop.
  Counter turns;
  Counter resumes;     // coroutines resumed from the ready queue
  Gauge ready;         // coroutines ready to run, when the turn began
  Gauge frames_alive;  // coroutine frames made by this thread and not destroyed
  /// Sleeps and deadlines in the heap, when the turn ended.
  Gauge timers_armed;
  /// Spawned and not ended.
  Gauge tasks_alive;
  /// Tasks given to spawn(), of the executor and of its scopes.
  Counter tasks_spawned;
  /// Sleeps and deadlines that came due.
  Counter timers_expired;
  Counter messages_received;  // from other threads
  /// From reaping completions to being back in the kernel. Exact for turns that a tick of the
  /// coarse clock (1 to 10 ms) fell into, and while anything has a deadline; else one turn of
  /// sixteen is measured, and counted for all of them.
  LatencyHistogram loop_delay;
};

/// Work that another thread hands to an executor. The receiver calls run() on its own thread and
/// does not touch the message afterwards: run() may destroy it or send it on.
class Message : public detail::MpscNode {
 public:
  Message() noexcept = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  /// What is to be done, on the receiver's thread.
  virtual void run() noexcept = 0;

 protected:
  ~Message() = default;
};

/// Runs coroutines on one thread, over one Reactor.
///
///        +--> messages of other threads -> due timers -> at most N ready coroutines --+
///        |                                                                            |
///        +--- reap, wake waiters <--- submit and wait until the next deadline <-------+
///
/// Everything but post() and request_stop's caller through post() belongs to the thread that runs
/// it.
class SLUICE_API Executor {
 public:
  /// Runs on the thread of `reactor`, which must outlive it.
  explicit Executor(Reactor& reactor, ExecutorOptions options = {});
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  /// Every task must have ended: run() returns only then.
  ~Executor();

  /// Takes a task over and makes it ready. It runs under cancel_scope().
  void spawn(Task<void> task) { tasks_.spawn(std::move(task)); }

  /// Turns the loop until no task is alive, nothing is in flight, and nobody holds it.
  void run();
  /// Cancels all tasks; run() returns once they have ended.
  void stop() noexcept { tasks_.cancel(); }
  /// While held, run() goes on without tasks, waiting for messages.
  void hold() noexcept { ++holds_; }
  /// Takes back one hold().
  void release() noexcept { --holds_; }

  /// Any thread, after enable_messages(): runs `message` on this executor's thread, in order of
  /// posting. Aborts before it: nobody would be woken.
  void post(Message& message) noexcept;
  /// Lets other threads wake this one (Reactor::enable_wake()). Errors are those of eventfd(2).
  [[nodiscard]] Result<void> enable_messages();

  /// The reactor it was made with.
  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }
  /// The scope that spawned tasks run under; stop() cancels it.
  [[nodiscard]] CancelScope& cancel_scope() noexcept { return tasks_.cancel_scope(); }
  /// The time at which this turn began; reading it costs nothing.
  [[nodiscard]] TimePoint now() const noexcept { return reactor_.now(); }
  /// Its numbers; any thread may read them.
  [[nodiscard]] const ExecutorMetrics& metrics() const noexcept { return metrics_; }

  // For awaitables.

  /// Aborts on another thread than the executor's own, before anything is changed.
  void expect_its_thread() const noexcept {
    detail::invariant(
        reactor_.is_on_its_thread(),
        "tasks of an Executor are spawned, cancelled and woken on its thread: post() to "
        "it from another");
  }
  /// Queues a suspended coroutine. It is resumed by the loop, never from here. Aborts on another
  /// thread than the executor's own: post() is the way in from there.
  void make_ready(detail::PromiseBase& promise) noexcept {
    expect_its_thread();
    promise.next_ready_ = nullptr;
    (last_ready_ != nullptr ? last_ready_->next_ready_ : first_ready_) = &promise;
    last_ready_ = &promise;
    ++ready_count_;
  }
  /// Arms a timer, or moves it; on_expired() is called in the turn in which it is due.
  void arm(detail::TimerNode& timer, TimePoint deadline) { timers_.arm(timer, deadline); }
  /// Takes a timer out; nothing happens if it is not armed.
  void disarm(detail::TimerNode& timer) noexcept { timers_.disarm(timer); }

 private:
  friend class TaskScope;
  friend class detail::FinalAwaiter;

  [[nodiscard]] bool has_work() const noexcept;
  // A turn's own parts are inline in run(), and what a turn seldom needs is not: in a loop that
  // goes to the kernel each time, code that is not in the cache costs more than what it does.
  [[gnu::always_inline]] void turn(const detail::FramePool& frames);
  [[gnu::always_inline]] void run_ready();
  [[gnu::always_inline]] void measure_turn() noexcept;
  [[nodiscard, gnu::always_inline]] Duration time_to_wait() noexcept;
  [[gnu::noinline]] void run_messages() noexcept;
  [[gnu::noinline]] void bury_finished() noexcept;
  [[gnu::noinline]] void observe_turn(std::uint64_t stands_for) noexcept;
  void task_finished(detail::PromiseBase& promise) noexcept;

  Reactor& reactor_;
  ExecutorOptions options_;
  detail::PromiseBase* first_ready_ = nullptr;
  detail::PromiseBase* last_ready_ = nullptr;
  std::size_t ready_count_ = 0;
  detail::PromiseBase* finished_ = nullptr;  // spawned tasks whose frames can go, by next_ready_
  detail::TimerHeap timers_;
  TaskScope tasks_;
  unsigned holds_ = 0;
  ExecutorMetrics metrics_;

  // Touched by other threads, hence on a line of their own.
  alignas(64) detail::MpscQueue messages_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> takes_messages_{false};
  std::atomic<unsigned> posting_{0};  // threads inside post()
};

}  // namespace sluice
