#include "simulated_ring.hpp"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "buffer_guard.hpp"

namespace sluice::testing {

using namespace std::chrono_literals;

namespace {

// Read when the entry is taken, as the kernel does with the pieces of a vectored transfer.
[[nodiscard]] std::vector<iovec> pieces_of(const Submission& entry) {
  if (!fills_buffer(entry) && !empties_buffer(entry.opcode)) {
    return {};
  }
  if (entry.opcode == Opcode::readv || entry.opcode == Opcode::writev) {
    const auto* pieces = reinterpret_cast<const iovec*>(entry.address);
    return {pieces, pieces + entry.length};
  }
  return {{reinterpret_cast<void*>(entry.address), entry.length}};
}

[[nodiscard]] bool are_apart(const std::vector<iovec>& some, const std::vector<iovec>& others) {
  const auto end = [](const iovec& piece) {
    return static_cast<const std::byte*>(piece.iov_base) + piece.iov_len;
  };
  return std::ranges::all_of(some, [&](const iovec& one) {
    return std::ranges::all_of(others, [&](const iovec& other) {
      return end(one) <= other.iov_base || end(other) <= one.iov_base;
    });
  });
}

}  // namespace

// The clock does not begin at zero: "no time yet" and "the beginning" must not look the same.
SimulatedRing::SimulatedRing(const SimulatedRingOptions& options)
    : options_(options),
      random_(options.seed),
      now_(TimePoint{} + 1h),
      submission_queue_(std::bit_ceil(options.submission_entries)),
      completion_queue_(std::bit_ceil(options.completion_entries)) {
  queues_ = {.submissions = submission_queue_.data(),
             .submission_mask = static_cast<unsigned>(submission_queue_.size() - 1),
             .submission_capacity = options.submission_entries,
             .submission_head = &kernel_submission_head_,
             .submission_tail = &kernel_submission_tail_,
             .submission_flags = &submission_flags_,
             .completions = completion_queue_.data(),
             .completion_mask = static_cast<unsigned>(completion_queue_.size() - 1),
             .completion_capacity = options.completion_entries,
             .completion_head = &completion_head_,
             .completion_tail = &completion_tail_};
  simulated_clock_ = &now_;
}

SimulatedRing::~SimulatedRing() {
  require(buffer_groups_.empty(), "provided buffers are gone before their ring");
  require(pending_.empty(), "a ring is closed only when nothing is in flight");
  require(operations_taken_ == finals_posted_, "every operation completes exactly once");
  require(direct_descriptors_.empty(), "a table of direct descriptors is undone before its ring");
  require(registered_buffers_.empty(), "registered buffers are let go of before their ring");
}

void SimulatedRing::require(bool holds, const char* rule) const noexcept {
  if (holds) {
    return;
  }
  std::fprintf(stderr, "simulated ring, seed %llu, enter %llu: broken rule: %s\n",
               static_cast<unsigned long long>(options_.seed),
               static_cast<unsigned long long>(enters_), rule);
  for (const Pending& operation : pending_) {
    std::fprintf(stderr, "  pending: operation %d on descriptor %d, user data %llx\n",
                 static_cast<int>(operation.entry.opcode), operation.entry.fd,
                 static_cast<unsigned long long>(operation.entry.user_data));
  }
  std::abort();
}

int SimulatedRing::enter_simulated(unsigned to_submit, Duration at_most) noexcept {
  ++enters_;
  require(enters_ <= options_.most_enters, "the loop waits for something and does not spin");
  now_ += options_.turn_cost;
  while (!backlog_.empty() && completions_waiting() < queues_.completion_capacity) {
    put_in_completion_queue(backlog_.front());
    backlog_.pop_front();
  }
  submission_flags_ = kCompletionsDue | (backlog_.empty() ? 0 : kCompletionsHeldBack);
  const int answer = backlog_.empty() ? next_enter_answer() : -EBUSY;
  if (answer == -EAGAIN || answer == -EBUSY) {
    return answer;  // before anything is taken from the submission queue
  }
  find_provided_buffers();
  take_submissions(to_submit);
  const int outcome = answer != 0 ? answer : wait_for_completion(at_most);
  return outcome != 0 ? outcome : static_cast<int>(to_submit);
}

int SimulatedRing::next_enter_answer() noexcept {
  if (!planned_enters_.empty()) {
    const int answer = planned_enters_.front();
    planned_enters_.pop_front();
    return answer;
  }
  if (!random_.chance(options_.enter_fails)) {
    return 0;
  }
  constexpr int kAnswers[] = {-EINTR, -EAGAIN, -EBUSY};
  return kAnswers[random_.below(std::size(kAnswers))];
}

void SimulatedRing::take_submissions(unsigned count) noexcept {
  const unsigned end = kernel_submission_head_ + count;
  require(end == kernel_submission_tail_, "what is to be submitted is in the queue");
  for (; kernel_submission_head_ != end; ++kernel_submission_head_) {
    const Submission entry = submission_queue_[kernel_submission_head_ & queues_.submission_mask];
    if (entry.opcode == Opcode::async_cancel) {
      ++cancels_taken_;
      cancel(entry);
    } else {
      ++operations_taken_;
      ++taken_of_[entry.opcode];
      admit(entry);
    }
  }
}

void SimulatedRing::admit(const Submission& entry) noexcept {
  require(find(entry.user_data) == nullptr, "an id names one operation in flight");
  Pending operation;
  operation.entry = entry;
  operation.pieces = pieces_of(entry);
  if (fills_buffer(entry)) {
    for (const Pending& other : pending_) {
      require(!fills_buffer(other.entry) || are_apart(operation.pieces, other.pieces),
              "a buffer is lent to one operation at a time");
    }
    for (const iovec& piece : operation.pieces) {
      lend_to_kernel(reinterpret_cast<std::uint64_t>(piece.iov_base), piece.iov_len);
    }
  }
  const bool is_new = entry.opcode == Opcode::socket;  // and then `fd` is an address family
  if (entry.fd >= 0 && !is_new) {
    // Looked up now, as the kernel does: the operation keeps what it found, whoever closes the
    // descriptor later.
    SimulatedStore::Found found = find_descriptor(entry);
    operation.is_bad_descriptor = !found.is_open;
    operation.object = std::move(found.object);
  } else {
    operation.is_bad_descriptor = !is_new && entry.opcode != Opcode::nop &&
                                  entry.opcode != Opcode::openat2 && entry.fd != AT_FDCWD;
  }
  const bool is_held = entry.opcode != Opcode::close && random_.chance(options_.held);
  operation.due = is_held ? kNever : pick_due();
  pending_.push_back(std::move(operation));
  by_user_data_.emplace(entry.user_data, std::prev(pending_.end()));
}

TimePoint SimulatedRing::pick_due() noexcept {
  const auto longest = static_cast<std::uint64_t>(options_.longest_latency.count());
  return now_ + Duration(static_cast<std::int64_t>(random_.below(longest + 1)));
}

int SimulatedRing::wait_for_completion(Duration at_most) noexcept {
  const bool has_end = at_most < kNever - now_;
  const TimePoint until = has_end ? now_ + std::max(at_most, Duration::zero()) : kNever;
  const TimePoint began_at = now_;
  while (true) {
    if (const auto hook = hook_) {
      (*hook)();
    }
    complete_decided();
    complete_due(until > now_);
    if (completions_waiting() > 0) {
      return 0;
    }
    if (now_ >= until) {
      return until > began_at ? -ETIME : 0;
    }
    const TimePoint next = std::min(next_due(), until);
    require(next != kNever, "enter() is not called to sleep for ever");
    now_ = next;
  }
}

TimePoint SimulatedRing::next_due() const noexcept {
  TimePoint next = kNever;
  if (!options_.is_scripted) {
    for (const Pending& operation : pending_) {
      if (is_ready(operation)) {
        next = std::min(next, std::max(operation.due, now_));
      }
    }
  }
  return next;
}

void SimulatedRing::complete_decided() noexcept {
  for (const RingCompletion& decision : std::exchange(decided_, {})) {
    Pending* operation = find(decision.user_data);
    require(operation != nullptr, "a test completes what is pending");
    finish(decision.user_data, perform_as_told(*operation, {decision.result, decision.flags}));
  }
  for (const RingCompletion& stray : std::exchange(strays_, {})) {
    post(stray);
  }
}

void SimulatedRing::complete_due(bool is_waiting) noexcept {
  if (options_.is_scripted) {
    return;
  }
  std::vector<std::uint64_t> due;
  for (const Pending& operation : pending_) {
    if (operation.due <= now_ && is_ready(operation)) {
      due.push_back(operation.entry.user_data);
    }
  }
  for (std::size_t left = due.size(); left > 1; --left) {
    std::swap(due[left - 1], due[random_.below(left)]);
  }
  for (const std::uint64_t user_data : due) {
    // What one operation takes may be what another was waiting for. A multishot operation goes on
    // for as long as there is something for it.
    for (Pending* operation = find(user_data);
         operation != nullptr && operation->due <= now_ && is_ready(*operation);
         operation = find(user_data)) {
      const bool must_complete = is_waiting && completions_waiting() == 0;
      if (!must_complete && random_.chance(options_.lingers)) {
        break;
      }
      finish(user_data, perform(*operation));
    }
  }
}

void SimulatedRing::finish(std::uint64_t user_data, Outcome outcome) noexcept {
  post({user_data, outcome.result, outcome.flags});
  const auto found = by_user_data_.find(user_data);
  if ((outcome.flags & kCompletionMore) != 0) {
    found->second->due = pick_due();
    if (found->second->awaits_notification && random_.chance(options_.notifies_late)) {
      found->second->due += 10s;
    }
    return;
  }
  take_back_buffer(*found->second);
  ++finals_posted_;
  pending_.erase(found->second);
  by_user_data_.erase(found);
}

void SimulatedRing::post(const RingCompletion& completion) noexcept {
  const std::uint64_t facts[] = {completion.user_data,
                                 static_cast<std::uint64_t>(completion.result), completion.flags,
                                 static_cast<std::uint64_t>(now_.time_since_epoch().count())};
  for (const std::uint64_t fact : facts) {
    fingerprint_ = SeededRandom(fingerprint_ ^ fact).next();
  }
  if (has_room_for_completion()) {
    put_in_completion_queue(completion);
    return;
  }
  backlog_.push_back(completion);
  submission_flags_ |= kCompletionsHeldBack;
}

void SimulatedRing::put_in_completion_queue(const RingCompletion& completion) noexcept {
  completion_queue_[completion_tail_ & queues_.completion_mask] = completion;
  ++completion_tail_;
}

SimulatedRing::Pending* SimulatedRing::find(std::uint64_t user_data) noexcept {
  const auto found = by_user_data_.find(user_data);
  return found != by_user_data_.end() ? &*found->second : nullptr;
}

void SimulatedRing::plan(Opcode opcode, std::initializer_list<std::int32_t> results) {
  auto& planned = planned_[opcode];
  planned.insert(planned.end(), results);
}

void SimulatedRing::plan_enters(std::initializer_list<int> answers) {
  planned_enters_.insert(planned_enters_.end(), answers);
}

void SimulatedRing::complete(std::uint64_t user_data, std::int32_t result, std::uint32_t flags) {
  decided_.push_back({user_data, result, flags});
}

void SimulatedRing::post_stray(const RingCompletion& completion) { strays_.push_back(completion); }

std::vector<SimulatedRing::PendingOperation> SimulatedRing::pending() const {
  std::vector<PendingOperation> all;
  all.reserve(pending_.size());
  for (const Pending& operation : pending_) {
    all.push_back({operation.entry.user_data, operation.entry.opcode, operation.entry.fd});
  }
  return all;
}

}  // namespace sluice::testing
