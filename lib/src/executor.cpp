#include <sluice/executor.hpp>

#include <algorithm>
#include <cstddef>
#include <thread>

#include <sluice/detail/invariant.hpp>

#include "reactor_turn.hpp"

namespace sluice {
namespace {

// Asks for the memory of a coroutine that is resumed next. What it has waited for has often driven
// its frame out of the nearer caches: with 128 reads of 4 KiB in flight, a megabyte has gone by.
void prefetch_frame(const detail::PromiseBase& promise) noexcept {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kMostLines = 5;  // of a frame with one operation
  const auto* bytes = reinterpret_cast<const std::byte*>(&promise);
  for (std::size_t line = 0; line < kMostLines; ++line) {
    __builtin_prefetch(bytes + line * kLine, 1);
  }
}

}  // namespace

namespace detail {

std::coroutine_handle<> FinalAwaiter::finish(PromiseBase& promise) noexcept {
  promise.finished_ = true;
  if (promise.owner_ != nullptr) {
    promise.executor().task_finished(promise);
    return std::noop_coroutine();
  }
  // Still inside the awaiter's await_suspend: it sees finished_ and goes on by itself.
  return promise.starting_ ? std::noop_coroutine() : promise.continuation_;
}

}  // namespace detail

TaskScope::~TaskScope() {
  detail::invariant(alive_ == 0, "a TaskScope ends only when its children have: join() it first");
}

void TaskScope::spawn(Task<void> task) {
  detail::invariant(static_cast<bool>(task.handle_),
                    "a Task is spawned or awaited once: it has been given away already");
  executor_.expect_its_thread();  // before anything is written that the other thread reads
  detail::PromiseBase& promise = std::exchange(task.handle_, nullptr).promise();
  promise.executor_ = &executor_;
  promise.cancel_scope_ = &cancel_scope_;
  promise.owner_ = this;
  ++alive_;
  executor_.metrics_.tasks_spawned.add();
  executor_.metrics_.tasks_alive.add(1);
  executor_.make_ready(promise);
}

void TaskScope::child_finished() noexcept {
  if (--alive_ == 0 && joiner_ != nullptr) {
    executor_.make_ready(*std::exchange(joiner_, nullptr));
  }
}

Executor::Executor(Reactor& reactor, ExecutorOptions options)
    : reactor_(reactor), options_(options), tasks_(TaskContext{this, nullptr}) {}

Executor::~Executor() {
  // Somebody whose message has been received may still be on the way out of post(), about to write
  // to a descriptor that closes next.
  while (posting_.load(std::memory_order_acquire) != 0) {
    std::this_thread::yield();
  }
  detail::invariant(tasks_.alive() == 0, "an Executor ends only when its tasks have: run() it");
}

void Executor::task_finished(detail::PromiseBase& promise) noexcept {
  // The frame is still on its way into its final suspension; it is destroyed once that is over.
  promise.next_ready_ = finished_;
  finished_ = &promise;
}

void Executor::bury_finished() noexcept {
  while (finished_ != nullptr) {
    detail::PromiseBase* promise = finished_;
    finished_ = promise->next_ready_;
    TaskScope* owner = promise->owner_;
    promise->self().destroy();
    metrics_.tasks_alive.add(-1);
    owner->child_finished();
  }
}

bool Executor::has_work() const noexcept {
  return tasks_.alive() > 0 || holds_ > 0 || reactor_.in_flight() > 0;
}

inline void Executor::turn(const detail::FramePool& frames) {
  metrics_.turns.add();
  if (!messages_.empty()) {  // looked at first: most turns have none, and then no exchange
    run_messages();
  }
  if (timers_.next_deadline() <= reactor_.now()) {
    metrics_.timers_expired.add(timers_.expire(reactor_.now()));
  }
  metrics_.ready.set(static_cast<std::int64_t>(ready_count_));
  run_ready();
  // Told as they are while the loop sleeps, which may be long.
  metrics_.frames_alive.set(frames.alive());
  metrics_.timers_armed.set(static_cast<std::int64_t>(timers_.size()));
  if (!has_work()) {
    return;  // the last task has just ended: nothing would wake the wait below
  }
  measure_turn();
  reactor_.turn(time_to_wait());
  asleep_.store(false, std::memory_order_relaxed);
}

// Reading the clock is a good part of a short turn. It is read if there is a deadline to wait for,
// if a tick of the coarse clock says that this turn may have been a long one, and else in one turn
// of so many, which stands for all of them.
inline void Executor::measure_turn() noexcept {
  constexpr std::uint64_t kTurnsPerSample = 16;
  if (timers_.next_deadline() != kNever || reactor_.ring().coarse_now() > reactor_.now()) {
    observe_turn(1);
  } else if (metrics_.turns.value() % kTurnsPerSample == 0) {
    observe_turn(kTurnsPerSample);
  }
}

void Executor::observe_turn(std::uint64_t stands_for) noexcept {
  const TimePoint began = reactor_.now();
  observe(metrics_.loop_delay, reactor_.read_clock() - began, stands_for);
}

void Executor::run_messages() noexcept {
  detail::MpscNode* node = messages_.take_all();
  while (node != nullptr) {
    auto* message = static_cast<Message*>(node);
    node = node->next;  // before run(): the message may be gone after it
    metrics_.messages_received.add();
    message->run();
  }
}

inline void Executor::run_ready() {
  // What becomes ready during the round waits for the next one, so that completions get their turn.
  const std::size_t round = std::min<std::size_t>(ready_count_, options_.resumes_per_turn);
  for (std::size_t resumed = 0; resumed < round; ++resumed) {
    detail::PromiseBase* promise = first_ready_;
    first_ready_ = promise->next_ready_;
    if (first_ready_ == nullptr) {
      last_ready_ = nullptr;
    } else {
      prefetch_frame(*first_ready_);
    }
    --ready_count_;
    promise->self().resume();
    if (finished_ != nullptr) {
      bury_finished();
    }
  }
  metrics_.resumes.add(round);
}

inline Duration Executor::time_to_wait() noexcept {
  if (ready_count_ > 0) {
    return Duration::zero();
  }
  if (takes_messages_.load(std::memory_order_relaxed)) {
    // A poster that pushes after this store sees it and writes to the wake-up descriptor; one that
    // pushed before is seen by the check below. Both sides are sequentially consistent, so at least
    // one of the two happens, and no wake-up is lost.
    asleep_.store(true, std::memory_order_seq_cst);
    if (!messages_.empty()) {
      return Duration::zero();
    }
  }
  const TimePoint deadline = timers_.next_deadline();
  if (deadline == kNever) {
    return kForever;
  }
  const TimePoint now = reactor_.now();  // as just read, since there is a deadline
  return deadline <= now ? Duration::zero() : Duration(deadline - now);
}

void Executor::run() {
  const detail::FramePool& frames = detail::FramePool::of_this_thread();
  static_cast<void>(reactor_.read_clock());  // much may have happened since it last ran
  while (has_work() || !messages_.empty()) {
    turn(frames);
  }
}

Result<void> Executor::enable_messages() {
  auto enabled = reactor_.enable_wake();
  takes_messages_.store(enabled.has_value(), std::memory_order_relaxed);
  return enabled;
}

void Executor::post(Message& message) noexcept {
  detail::invariant(takes_messages_.load(std::memory_order_relaxed),
                    "an Executor takes messages, and answers of shards and blocking pools, after "
                    "enable_messages()");
  posting_.fetch_add(1, std::memory_order_relaxed);
  messages_.push(message);
  if (asleep_.exchange(false, std::memory_order_seq_cst)) {
    reactor_.wake();
  }
  posting_.fetch_sub(1, std::memory_order_release);
}

}  // namespace sluice
