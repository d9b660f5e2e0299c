#include <sluice/reactor.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <sluice/detail/invariant.hpp>

#include "reactor_turn.hpp"

namespace sluice {
namespace {

using detail::Slot;

// A cancel's own completion carries an id that is never handed out.
constexpr std::uint64_t kCancelUserData = 0;

// An eighth of the submission queue is kept for cancels, so that a turn that fills the queue with
// operations can still take some back.
unsigned places_for_cancels(const Ring& ring) noexcept {
  return std::max(1U, ring.submission_capacity() / 8);
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Ring> ring, ReactorOptions options)
    : ring_(std::move(ring)),
      now_(ring_->now()),
      places_for_operations_(ring_->submission_capacity() - places_for_cancels(*ring_)),
      places_for_completions_(ring_->completion_capacity()),
      slots_(options.max_operations),
      wake_channel_(*this) {}

Reactor::~Reactor() {
  disable_wake();
  detail::invariant(
      slots_.in_use() == 0,
      "a Reactor is destroyed only when nothing is in flight: cancel and drain first");
}

// The wake-up channel takes no part in the count of completion room and overtakes what is parked:
// a shard whose places are all taken by operations that wait must still hear other threads.
bool Reactor::has_room_for(OperationKind kind) const noexcept {
  return kind == OperationKind::wake || has_room();  // push() tells whether there is a place
}

void Reactor::park(OperationId id, Slot& slot, const Submission& entry) {
  slot.state = Slot::State::parked;
  if (slot.kind == OperationKind::wake) {
    parked_.push_front({id, entry});
  } else {
    parked_.push_back({id, entry});
  }
  metrics_.parked_total.add();
  metrics_.parked.add(1);
}

void Reactor::cancel(OperationId id) noexcept {
  require_own_thread();
  Slot* slot = slots_.find(id);
  if (slot == nullptr || slot->cancel_requested) {
    return;
  }
  slot->cancel_requested = true;
  metrics_.cancels_requested.add();
  (slot->state == Slot::State::parked ? parked_cancels_ : cancels_).push_back(id);
}

std::int32_t Reactor::attempt(const Submission& entry) noexcept { return ring_->attempt(entry); }

void Reactor::admit_parked() noexcept {
  bool queue_full = false;
  while (!parked_.empty()) {
    const Parked& next = parked_.front();
    Slot* slot = slots_.find(next.id);
    if (slot != nullptr) {  // else it was cancelled while it was parked
      if (!has_room_for(slot->kind) || !push(next.entry, next.id.to_user_data())) {
        queue_full = admitted_ < places_for_completions_;
        break;
      }
      slot->state = Slot::State::in_flight;
      admitted_ += slot->kind == OperationKind::wake ? 0 : 1;
      metrics_.parked.add(-1);
    }
    parked_.pop_front();
  }
  if (queue_full) {
    metrics_.submission_queue_full.add();
  }
}

void Reactor::push_cancels() noexcept {
  std::size_t handled = 0;
  for (; handled < cancels_.size(); ++handled) {
    const OperationId id = cancels_[handled];
    if (slots_.find(id) == nullptr) {
      continue;  // it has completed meanwhile
    }
    Submission entry;
    entry.opcode = Opcode::async_cancel;
    entry.flags = kSubmissionSkipSuccess;
    entry.address = id.to_user_data();
    if (!push(entry, kCancelUserData)) {
      break;
    }
    metrics_.cancels_submitted.add();
  }
  cancels_.erase(cancels_.begin(), cancels_.begin() + static_cast<std::ptrdiff_t>(handled));
}

Duration Reactor::push_backlog(Duration at_most) {
  bool may_wait = true;
  if (!parked_cancels_.empty()) {
    complete_unsubmitted_cancels();
    may_wait = false;
  }
  if (!parked_.empty()) {
    admit_parked();
  }
  if (!cancels_.empty()) {
    push_cancels();
  }
  // Never sleep on work that the kernel has not seen and could be given.
  may_wait &= cancels_.empty() && (parked_.empty() || admitted_ >= places_for_completions_);
  return may_wait ? at_most : Duration::zero();
}

void Reactor::account_failed_enter(int error) {
  if (error == -EINTR || error == -EAGAIN || error == -EBUSY) {
    metrics_.enter_retries.add();
  } else {
    detail::invariant(error == -ETIME, "io_uring_enter on a ring of ours never fails");
  }
}

void Reactor::account_stray(const RingCompletion& entry) noexcept {
  // Else a cancel came too late, or its target cannot be stopped: the target will tell.
  if (entry.user_data != kCancelUserData) {
    metrics_.stale_completions.add();
  }
}

std::size_t Reactor::wait(Duration at_most) { return turn(at_most); }

// Of the sends only those without a copy complete twice: with the count, and when the buffer is
// free. True for the second.
bool Reactor::account_zero_copy(Completion completion) noexcept {
  if ((completion.flags & kCompletionNotification) != 0) {
    metrics_.zero_copy_released.add();
    metrics_.zero_copy_outstanding.add(-1);
    if ((static_cast<std::uint32_t>(completion.result) & kNotificationCopied) != 0) {
      metrics_.zero_copy_copied.add();
    }
    return true;
  }
  if (!completion.is_final()) {
    metrics_.zero_copy_outstanding.add(1);
  }
  return false;
}

void Reactor::complete_unsubmitted_cancels() noexcept {
  // A waker may cancel further operations while it is told, so the list is walked by index.
  for (std::size_t index = 0; index < parked_cancels_.size(); ++index) {
    const OperationId id = parked_cancels_[index];
    Slot* slot = slots_.find(id);
    if (slot == nullptr) {
      continue;
    }
    if (slot->state == Slot::State::in_flight) {  // admitted since: now the kernel has to be asked
      cancels_.push_back(id);
      continue;
    }
    Waker& waker = *slot->waker;
    slots_.release(id, *slot);
    metrics_.parked.add(-1);
    metrics_.completed.add();
    waker.wake({-ECANCELED, 0});
  }
  parked_cancels_.clear();
  // What was cancelled behind one that stays parked must not pile up.
  if (parked_.size() > 2 * static_cast<std::size_t>(metrics_.parked.value()) + 64) {
    parked_.remove_if([this](const Parked& parked) { return slots_.find(parked.id) == nullptr; });
  }
  metrics_.in_flight.set(static_cast<std::int64_t>(in_flight()));
}

void Reactor::for_each_in_flight(
    const std::function<void(OperationId, OperationKind, Duration)>& visit) {
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_.at(index);
    if (slot.state != Slot::State::free) {
      visit({index, slot.generation}, slot.kind, now_ - slot.registered_at);
    }
  }
}

Result<void> Reactor::enable_wake() {
  if (wake_enabled_) {
    return {};
  }
  wake_fd_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!wake_fd_) {
    return failure(errno);
  }
  auto armed = arm_wake();
  wake_enabled_ = armed.has_value();
  return armed;
}

Result<void> Reactor::arm_wake() {
  Submission entry;
  entry.opcode = Opcode::read;
  entry.fd = wake_fd_.get();
  entry.address = reinterpret_cast<std::uint64_t>(&wake_channel_.count);
  entry.length = sizeof(wake_channel_.count);
  const auto [id, taken] = take_slot(wake_channel_, OperationKind::wake);
  if (taken == nullptr) {
    return failure(ENOBUFS);
  }
  if (push(entry, id.to_user_data())) {
    taken->state = Slot::State::in_flight;
  } else {
    park(id, *taken, entry);
  }
  wake_id_ = id;
  return {};
}

// Not inline: it would weigh on every completion of others.
[[gnu::noinline]] void Reactor::WakeChannel::wake(Completion completion) noexcept {
  reactor_.wake_id_ = {};
  if (completion.result > 0) {
    reactor_.metrics_.wakeups.add();
  }
  if (reactor_.wake_enabled_) {
    // There is a slot: the one that was just freed.
    static_cast<void>(reactor_.arm_wake());
  }
}

void Reactor::disable_wake() {
  wake_enabled_ = false;
  while (wake_id_) {
    cancel(wake_id_);
    wait(kForever);
  }
}

void Reactor::wake() noexcept {
  const std::uint64_t one = 1;
  // The only failure is a counter at its maximum, and then the reader is about to wake anyway.
  static_cast<void>(!::write(wake_fd_.get(), &one, sizeof(one)));
}

}  // namespace sluice
