#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sluice/reactor.hpp>

/// A turn of the reactor, for the two that make one: Reactor::wait(), and the executor's loop,
/// which has it in line. On the way back from a system call every return is mispredicted.
namespace sluice {

inline void Reactor::submit_and_wait(Duration at_most) {
  const unsigned depth = queued_;
  metrics_.submission_queue_depth.set(depth);
  if (depth > 0) [[likely]] {
    metrics_.submission_depths.observe(depth);
  }
  metrics_.enters.add();
  const int error = ring_->enter(at_most);
  queued_ = ring_->unsubmitted();
  metrics_.submitted.add(depth - queued_);
  if (error != 0) [[unlikely]] {
    account_failed_enter(error);
  }
}

// Operations that complete together have often begun together: equal latencies are counted at once.
class Reactor::Latencies {
 public:
  explicit Latencies(ReactorMetrics& metrics, TimePoint now) noexcept
      : metrics_(metrics), now_(now) {}
  Latencies(const Latencies&) = delete;
  Latencies& operator=(const Latencies&) = delete;
  ~Latencies() { observe_all(); }

  void add(const detail::Slot& slot) noexcept {
    if (slot.registered_at != registered_at_ || slot.kind != kind_) {
      observe_all();
      registered_at_ = slot.registered_at;
      kind_ = slot.kind;
    }
    ++count_;
  }
  // Of an operation that goes on: each completion counts from the one before.
  void add_one_of_many(detail::Slot& slot) noexcept {
    observe(metrics_.latency[static_cast<std::size_t>(slot.kind)], now_ - slot.registered_at);
    slot.registered_at = now_;
  }

 private:
  void observe_all() noexcept {
    if (count_ > 0) {
      observe(metrics_.latency[static_cast<std::size_t>(kind_)], now_ - registered_at_, count_);
      metrics_.completed.add(count_);
      count_ = 0;
    }
  }

  ReactorMetrics& metrics_;
  TimePoint now_;
  TimePoint registered_at_{};
  std::uint64_t count_ = 0;
  OperationKind kind_ = OperationKind::other;
};

inline void Reactor::complete(const RingCompletion& entry, Latencies& latencies) noexcept {
  const OperationId id = OperationId::from_user_data(entry.user_data);
  detail::Slot* slot = slots_.find(id);
  if (slot == nullptr) [[unlikely]] {
    account_stray(entry);
    return;
  }
  const Completion completion{entry.result, entry.flags};
  Waker& waker = *slot->waker;
  bool has_failed = entry.result < 0 && entry.result != -ECANCELED;
  if ((entry.flags & (kCompletionMore | kCompletionNotification)) != 0) [[unlikely]] {
    if (slot->kind == OperationKind::send) {
      // A notification says how the bytes went, not whether the operation failed.
      has_failed &= !account_zero_copy(completion);
    } else {
      latencies.add_one_of_many(*slot);
    }
  }
  if (has_failed) [[unlikely]] {
    metrics_.failed[static_cast<std::size_t>(slot->kind)].add();
  }
  if (completion.is_final()) [[likely]] {
    latencies.add(*slot);
    admitted_ -= slot->kind == OperationKind::wake ? 0 : 1;
    slots_.release(id, *slot);
  }
  waker.wake(completion);
}

inline std::size_t Reactor::reap_all() {
  // Copied out first, and the queue advanced, before anybody is woken: a waker may register
  // operations, and must find room for their completions.
  std::size_t total = 0;
  now_ = ring_->now();
  std::size_t count = 0;
  do {
    count = ring_->reap(reaped_);
    total += count;
    Latencies latencies(metrics_, now_);
    for (std::size_t index = 0; index < count; ++index) {
      complete(reaped_[index], latencies);
    }
  } while (count == reaped_.size());
  // An enter leaves completions behind only when the queue is full.
  if (total >= places_for_completions_ && ring_->has_overflowed()) [[unlikely]] {
    metrics_.completion_overflows.add();
  }
  metrics_.completion_queue_depth.set(static_cast<std::int64_t>(total));
  if (total > 0) [[likely]] {
    metrics_.completion_depths.observe(total);
    metrics_.completion_entries.add(total);
  }
  metrics_.in_flight.set(static_cast<std::int64_t>(in_flight()));
  return total;
}

inline std::size_t Reactor::turn(Duration at_most) {
  require_own_thread();
  if (has_backlog()) [[unlikely]] {
    at_most = push_backlog(at_most);
  }
  submit_and_wait(at_most);
  return reap_all();
}

}  // namespace sluice
