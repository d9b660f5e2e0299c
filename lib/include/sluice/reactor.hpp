#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/home_thread.hpp>
#include <sluice/detail/invariant.hpp>
#include <sluice/detail/ring_queue.hpp>
#include <sluice/detail/slot_table.hpp>
#include <sluice/metrics.hpp>
#include <sluice/operation.hpp>
#include <sluice/result.hpp>
#include <sluice/ring.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// The limits of a Reactor.
struct ReactorOptions {
  /// The most operations registered at once; one more fails with ENOBUFS. 32 bytes each.
  std::uint32_t max_operations = 65536;
};

/// The numbers of one reactor. Written by its thread only, read by any.
struct ReactorMetrics {
  // What every turn writes is first, on as few lines of the cache as can be.
  Counter registered;                // operations given to register_operation
  Counter submitted;                 // entries the kernel was handed, cancels included
  Counter completed;                 // final completions
  Counter completion_entries;        // all entries reaped
  Counter enters;                    // turns; those with nothing to do there make no system call
  Gauge in_flight;                   // registered and not complete, parked ones included
  Gauge submission_queue_depth;      // entries handed over by the last enter
  Gauge completion_queue_depth;      // entries found by the last reap
  DepthHistogram submission_depths;  // the last two, over all turns that had any
  /// Entries found by a reap.
  DepthHistogram completion_depths;
  Counter enter_retries;          // enters that ended in EINTR, EAGAIN or EBUSY
  Counter parked_total;           // operations that had to wait for room in the queues
  Counter submission_queue_full;  // turns in which the submission queue was used up
  Counter completion_overflows;   // times the kernel had to hold completions back
  /// Calls of cancel() that named an operation in flight.
  Counter cancels_requested;
  /// ... of which the kernel was asked; parked operations are cancelled without it.
  Counter cancels_submitted;
  Counter stale_completions;    // completions for ids that name nothing; 0 unless there is a bug
  Counter wakeups;              // wake-ups by other threads
  Counter zero_copy_released;   // notifications of zero-copy sends: the buffer is free again
  Counter zero_copy_copied;     // ... that say the kernel copied after all; Linux 6.3 tells
  Gauge zero_copy_outstanding;  // zero-copy sends whose count is out and whose buffer is not free
  /// Operations waiting for room in the queues.
  Gauge parked;
  /// From the turn an operation was registered in to the turn its final completion was reaped in,
  /// both read off the turn's clock: the wait for room in the queues is part of it. One that goes
  /// on after a completion (a multishot accept or receive) counts with each, from the one before.
  std::array<LatencyHistogram, kOperationKindCount> latency;
  std::array<Counter, kOperationKindCount> failed;  // completions with an error but ECANCELED
};

/// Owns the submission queue, the completion queue and the waiters by operation id.
///
///      register_operation                      wait
///             |                                  |
///             v            (no room)             v
///        [slot table] ---> [parked, in order] -> push -> enter -> reap -> Waker::wake
///             ^                                                       |
///             +-------------------- final completion ----------------+
///
/// The waiter is filed before the entry is filled, and nothing reaches the kernel before the turn's
/// one enter (Ring::enter()). When the submission queue, or room in the completion queue, is used
/// up, operations park in order and are admitted in a later turn. Cancels have places of their own
/// in the submission queue, so none is ever dropped.
///
/// One thread makes it and calls it; only wake() may be called by others. A call of another thread
/// aborts, in release builds too: the check costs a nanosecond, the race it finds costs days.
class SLUICE_API Reactor {
 public:
  /// Takes the ring over. The thread that makes a reactor is the one that may call it.
  Reactor(std::unique_ptr<Ring> ring, ReactorOptions options = {});
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  /// Everything must be complete by now: closing a ring does not stop the kernel from writing into
  /// buffers. Aborts if an operation is in flight.
  ~Reactor();

  /// Files `waker` and queues `entry` (with the id as its user_data). The waker must live until its
  /// final completion. ENOBUFS when max_operations are registered.
  [[nodiscard]] Result<OperationId> register_operation(Waker& waker, const Submission& entry) {
    const OperationId id = file_operation(waker, entry);
    if (!id) {
      return failure(ENOBUFS);
    }
    return id;
  }
  /// The same, inline for the awaitables: with the entry in registers. An id that names nothing
  /// says ENOBUFS.
  [[nodiscard, gnu::always_inline]] OperationId file_operation(Waker& waker,
                                                               const Submission& entry) {
    require_own_thread();
    const auto [id, taken] = take_slot(waker, kind_of(entry.opcode));
    if (taken == nullptr) [[unlikely]] {
      return {};
    }
    detail::Slot& slot = *taken;
    if (parked_.empty() && has_room() && push(entry, id.to_user_data())) [[likely]] {
      slot.state = detail::Slot::State::in_flight;
      ++admitted_;
    } else {
      park(id, slot, Submission(entry));  // a copy: the entry itself needs no address
    }
    return id;
  }

  /// Asks for an operation to end early. It still completes through its waker: with ECANCELED, or
  /// with its result if that won the race. A stale id is ignored. Never fails, never blocks.
  void cancel(OperationId id) noexcept;

  /// Tries an operation that needs no waiting at once; see Ring::attempt.
  [[nodiscard]] std::int32_t attempt(const Submission& entry) noexcept;

  /// One turn: submits, waits until something completes or `at_most` has passed (kForever:
  /// without an end), and wakes the waiters of what completed. Returns how many completions there
  /// were.
  std::size_t wait(Duration at_most);

  /// Any thread: makes the current or next wait() return soon.
  void wake() noexcept;
  /// Arms the wake-up descriptor; until then wake() has no effect. Needs eventfd(2).
  [[nodiscard]] Result<void> enable_wake();
  /// Disarms it and waits until the kernel has let go. Called before destruction.
  void disable_wake();

  /// Whether the calling thread is the one that made this reactor, and so may call it. Any thread.
  [[nodiscard]] bool is_on_its_thread() const noexcept { return home_.is_current(); }

  /// The time at which the last turn's completions were reaped.
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// Reads the clock, and makes it the time of this turn.
  [[nodiscard]] TimePoint read_clock() noexcept { return now_ = ring_->now(); }

  /// Operations registered and not complete, without the reactor's own.
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return slots_.in_use() - (wake_id_ ? 1U : 0U);
  }
  /// Calls `visit` for each operation in flight, with its kind and its age: since it was
  /// registered, or, of one that goes on after a completion, since the last of these.
  void for_each_in_flight(const std::function<void(OperationId, OperationKind, Duration)>& visit);

  /// Its numbers; any thread may read them.
  [[nodiscard]] const ReactorMetrics& metrics() const noexcept { return metrics_; }
  /// The ring it was made with.
  [[nodiscard]] Ring& ring() noexcept { return *ring_; }

 private:
  friend class Executor;
  struct Parked {
    OperationId id;
    Submission entry;
  };
  class WakeChannel final : public Waker {
   public:
    explicit WakeChannel(Reactor& reactor) noexcept : reactor_(reactor) {}
    void wake(Completion completion) noexcept override;
    Reactor& reactor_;
    std::uint64_t count = 0;
  };

  void require_own_thread() const noexcept {
    detail::invariant(is_on_its_thread(),
                      "a Reactor is called by the thread that made it: post() to its Executor, or "
                      "ShardSet::post(), to reach it from another");
  }
  // Files a waiter: neither an id nor a slot at the limit.
  [[nodiscard, gnu::always_inline]] detail::SlotTable::Taken take_slot(Waker& waker,
                                                                       OperationKind kind) {
    const detail::SlotTable::Taken taken = slots_.acquire();
    if (taken.slot != nullptr) [[likely]] {
      taken.slot->waker = &waker;
      taken.slot->registered_at = now_;
      taken.slot->kind = kind;
      metrics_.registered.add();
    }
    return taken;
  }
  // In both queues, for an operation that is not the reactor's own.
  [[nodiscard]] bool has_room() const noexcept {
    return queued_ < places_for_operations_ && admitted_ < places_for_completions_;
  }
  [[nodiscard]] bool has_room_for(OperationKind kind) const noexcept;
  [[nodiscard]] bool push(const Submission& entry, std::uint64_t user_data) noexcept {
    const bool pushed = ring_->push(entry, user_data);
    queued_ += pushed ? 1 : 0;
    return pushed;
  }
  void park(OperationId id, detail::Slot& slot, const Submission& entry);
  [[nodiscard]] bool has_backlog() const noexcept {
    return !parked_.empty() || !cancels_.empty() || !parked_cancels_.empty();
  }
  // Each of these is seldom called, and kept out of the turn's own code.
  [[nodiscard, gnu::noinline]] Duration push_backlog(Duration at_most);
  void admit_parked() noexcept;
  void push_cancels() noexcept;
  void complete_unsubmitted_cancels() noexcept;
  [[gnu::noinline]] void account_failed_enter(int error);
  [[gnu::noinline]] void account_stray(const RingCompletion& entry) noexcept;
  [[nodiscard, gnu::noinline]] bool account_zero_copy(Completion completion) noexcept;

  // lib/src/reactor_turn.hpp
  class Latencies;
  [[gnu::always_inline]] std::size_t turn(Duration at_most);
  [[gnu::always_inline]] void submit_and_wait(Duration at_most);
  [[gnu::always_inline]] std::size_t reap_all();
  [[gnu::always_inline]] void complete(const RingCompletion& entry, Latencies& latencies) noexcept;
  [[nodiscard]] Result<void> arm_wake();

  // What every operation and every turn looks at is first, on as few lines of the cache as can be:
  // with one operation in flight, memory that the kernel has driven out of it is what a turn costs.
  std::unique_ptr<Ring> ring_;
  detail::HomeThread home_;
  TimePoint now_;
  unsigned places_for_operations_;   // of the submission queue; the rest is for cancels
  unsigned places_for_completions_;  // of the completion queue
  unsigned queued_ = 0;    // entries pushed that the kernel has not taken: the ring's unsubmitted()
  unsigned admitted_ = 0;  // operations in the kernel's hands or pushed
  OperationId wake_id_;
  detail::SlotTable slots_;
  std::vector<OperationId> cancels_;         // asked for, not yet pushed
  std::vector<OperationId> parked_cancels_;  // of operations the kernel has not seen
  detail::RingQueue<Parked> parked_;         // in order of registration; may hold cancelled ones
  alignas(64) ReactorMetrics metrics_;
  // A member, since on the stack it would be set to zero in every turn.
  std::array<RingCompletion, 256> reaped_;
  WakeChannel wake_channel_;
  UniqueFd wake_fd_;
  bool wake_enabled_ = false;
};

}  // namespace sluice
