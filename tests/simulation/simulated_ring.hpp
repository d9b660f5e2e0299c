#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <sluice/ring.hpp>

#include "seeded_random.hpp"
#include "simulated_store.hpp"

namespace sluice::testing {

/// An operation that ends with an error instead of doing its work, with some probability.
struct InjectedError {
  Opcode opcode = Opcode::nop;
  int errno_value = 0;
  double chance = 0;
};

/// What becomes of a request to cancel an operation that is pending (io_uring_prep_cancel(3)).
enum class CancelAnswer : std::uint8_t {
  cancelled,  // the target ends with ECANCELED, and the cancel succeeds
  not_found,  // ENOENT: the target's own result is on its way and wins
  running,    // EALREADY: the target is at work and ends by itself, either way
};

/// All probabilities are from 0 to 1; with the defaults everything succeeds, whole and at once, in
/// an order that follows from the seed.
struct SimulatedRingOptions {
  std::uint64_t seed = 1;
  unsigned submission_entries = 64;
  unsigned completion_entries = 256;
  /// Nothing completes by itself: the test decides, through complete().
  bool is_scripted = false;

  Duration longest_latency{};     // operations take from zero to this long
  Duration turn_cost{};           // how far the clock moves with each enter()
  double lingers = 0;             // ... of a due operation to be left for a later enter()
  double held = 0;                // ... of an operation to end only when it is cancelled
  double short_transfer = 0;      // ... of a transfer to stop early
  double multishot_ends = 0;      // ... of a multishot operation to end without an error
  double seeks_early = 0;         // ... of a receive that took the last buffer to end in ENOBUFS
  double notifies_late = 0;       // ... of a notification to come after all else is done
  double notifies_error = 0;      // ... of a failed zero-copy send to notify all the same
  double skips_notification = 0;  // ... of a zero-copy send to complete once, buffer and all
  double copies = 0;              // ... of a notification to say that a copy was made
  double enter_fails = 0;         // ... of enter() to answer EINTR, EAGAIN or EBUSY
  double cancel_not_found = 0;    // ... of a cancel to lose against a result
  double cancel_running = 0;      // ... of a cancel to find its target at work
  double attempt_succeeds = 0;    // ... of attempt() to do what needs no waiting
  std::vector<InjectedError> errors{};
  std::vector<Opcode> missing{};  // what this kernel is too old for

  /// The operation, counted by final completions from 1, that fails; 0: none. With `fault_stays`
  /// all later ones fail too.
  std::uint64_t fault_at = 0;
  int fault_errno = 0;
  bool fault_stays = false;

  /// A loop that comes back more often than this is taken for one that spins.
  std::uint64_t most_enters = 1'000'000;
};

/// A deterministic stand-in for the kernel. It holds what is submitted, completes it in an order
/// that follows from a seed (or as a test decides), never sleeps, and does what kernels are allowed
/// to do and seldom do: short counts, errors, operations that wait for ever, cancels that come too
/// late, completion queues that overflow, enters that fail.
///
///   push --> [submission queue] --enter--> [pending, by due time] --> [completion queue] --> reap
///                                                         \--(full)--> [backlog] --enter--^
///
/// The clock is virtual: when nothing can complete, it jumps to the next due time or to the end of
/// the wait. Bytes move between the store and the buffers of the program only when an operation
/// completes, and until then the address sanitizer guards those buffers.
///
/// The rules of the seam are checked at each step; a broken one ends the process with the seed.
class SimulatedRing final : public Ring {
 public:
  explicit SimulatedRing(const SimulatedRingOptions& options);
  ~SimulatedRing() override;

  [[nodiscard]] std::int32_t attempt(const Submission& entry) noexcept override;
  [[nodiscard]] std::int32_t register_buffer_ring(std::span<ProvidedBuffer> places,
                                                  std::uint16_t group) noexcept override;
  void unregister_buffer_ring(std::uint16_t group) noexcept override;
  [[nodiscard]] bool supports(Opcode opcode) const noexcept override;
  [[nodiscard]] int register_buffers(std::span<const iovec> buffers) noexcept override;
  void unregister_buffers() noexcept override;
  [[nodiscard]] int register_direct_descriptors(unsigned count) noexcept override;
  void unregister_direct_descriptors() noexcept override;
  void close_direct_descriptor(unsigned slot) noexcept override;

  [[nodiscard]] SimulatedStore& store() noexcept { return store_; }
  /// How many direct descriptors are open.
  [[nodiscard]] std::size_t direct_descriptors_open() const noexcept;

  // What is to happen.

  /// The results of the next operations of a kind, in the order they complete: a negative errno
  /// fails one, a positive number is the most bytes that one transfers.
  void plan(Opcode opcode, std::initializer_list<std::int32_t> results);
  /// The answers of the next enters; 0: nothing out of the ordinary.
  void plan_enters(std::initializer_list<int> answers);
  /// How cancels are answered from now on, instead of by the probabilities.
  void answer_cancels(CancelAnswer answer) noexcept { cancel_answer_ = answer; }
  /// Completes a pending operation at the next enter(). A positive result of a transfer moves that
  /// many bytes, made up where the store has none.
  void complete(std::uint64_t user_data, std::int32_t result, std::uint32_t flags = 0);
  /// Posts a completion at the next enter() that belongs to no operation.
  void post_stray(const RingCompletion& completion);
  /// Called in each enter(), each time it looks for completions.
  void on_enter(std::function<void()> hook) {
    hook_ = hook ? std::make_shared<std::function<void()>>(std::move(hook)) : nullptr;
  }

  // What has happened.

  struct PendingOperation {
    std::uint64_t user_data = 0;
    Opcode opcode = Opcode::nop;
    std::int32_t fd = -1;
  };
  /// What the kernel holds, in the order of submission.
  [[nodiscard]] std::vector<PendingOperation> pending() const;
  [[nodiscard]] std::uint64_t enters() const noexcept { return enters_; }
  [[nodiscard]] std::uint64_t operations_taken() const noexcept { return operations_taken_; }
  [[nodiscard]] std::uint64_t operations_taken(Opcode opcode) const noexcept {
    const auto found = taken_of_.find(opcode);
    return found != taken_of_.end() ? found->second : 0;
  }
  [[nodiscard]] std::uint64_t cancels_taken() const noexcept { return cancels_taken_; }
  [[nodiscard]] std::uint64_t finals_posted() const noexcept { return finals_posted_; }
  /// Connections that were accepted and found no place in the table of direct descriptors.
  [[nodiscard]] std::uint64_t connections_dropped() const noexcept { return connections_dropped_; }
  /// A number made from every completion posted and its time: equal runs have equal numbers.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  struct Pending {
    Submission entry;
    std::vector<iovec> pieces;  // the program's memory that a transfer is to fill or to take
    ObjectPointer object;
    TimePoint due{};
    bool is_bad_descriptor = false;
    bool is_interrupted = false;       // a cancel has found it at work
    bool awaits_notification = false;  // zero-copy: the count is out, the buffer is not free yet
    bool seeks_early = false;          // looks for a buffer before there are bytes to put into it
    Bytes lent;                        // zero-copy: what the buffer must still hold at the end
  };
  /// A ring of provided buffers, and what the kernel has found in it.
  struct BufferGroup {
    std::span<ProvidedBuffer> places;
    std::uint16_t seen = 0;  // of its tail
    std::deque<ProvidedBuffer> free;
  };
  struct Outcome {
    std::int32_t result = 0;
    std::uint32_t flags = 0;
  };

  // simulated_ring.cpp: the queues and the clock.
  [[nodiscard]] unsigned completions_waiting() const noexcept {
    return completion_tail_ - completion_head_;
  }
  void put_in_completion_queue(const RingCompletion& completion) noexcept;
  [[nodiscard]] int next_enter_answer() noexcept;
  [[nodiscard]] int enter_simulated(unsigned to_submit, Duration at_most) noexcept override;
  void take_submissions(unsigned count) noexcept;
  void admit(const Submission& entry) noexcept;
  int wait_for_completion(Duration at_most) noexcept;
  void complete_decided() noexcept;
  void complete_due(bool is_waiting) noexcept;
  [[nodiscard]] TimePoint next_due() const noexcept;
  void post(const RingCompletion& completion) noexcept;
  void finish(std::uint64_t user_data, Outcome outcome) noexcept;
  [[nodiscard]] Pending* find(std::uint64_t user_data) noexcept;
  [[nodiscard]] TimePoint pick_due() noexcept;
  void require(bool holds, const char* rule) const noexcept;

  // simulated_operations.cpp: what an operation does.
  [[nodiscard]] bool is_ready(const Pending& operation) const noexcept;
  [[nodiscard]] bool would_not_wait(const Pending& operation) const noexcept;
  [[nodiscard]] std::optional<std::int32_t> take_planned(Opcode opcode) noexcept;
  [[nodiscard]] int error_to_inject(Opcode opcode) noexcept;
  [[nodiscard]] Outcome perform(Pending& operation) noexcept;
  [[nodiscard]] Outcome perform_as_told(Pending& operation, Outcome outcome) noexcept;
  [[nodiscard]] Outcome work(Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t read_file(const Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t write_file(const Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t receive(const Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t send(const Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] Outcome accept(const Pending& operation) noexcept;
  [[nodiscard]] bool has_room_for_completion() const noexcept {
    return backlog_.empty() && completions_waiting() < queues_.completion_capacity;
  }
  // simulated_sockets.cpp: provided buffers, zero-copy sends, and messages of several buffers.
  void find_provided_buffers() noexcept;
  [[nodiscard]] Outcome receive_provided(Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] Outcome send_zero_copy(Pending& operation, std::size_t at_most) noexcept;
  [[nodiscard]] Outcome fail(Pending& operation, int error) noexcept;
  [[nodiscard]] Outcome notify(Pending& operation) noexcept;
  [[nodiscard]] std::int32_t receive_message(const Pending& operation,
                                             std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t send_bytes(const Pending& operation, const Bytes& bytes,
                                        std::size_t at_most) noexcept;
  [[nodiscard]] std::int32_t poll_at_once(const Submission& entry) const noexcept;
  [[nodiscard]] std::int32_t open_name(const Submission& entry) noexcept;
  [[nodiscard]] std::int32_t send_file(const Submission& entry) noexcept;
  [[nodiscard]] std::size_t shorten(std::size_t count) noexcept;
  void take_back_buffer(const Pending& operation) const noexcept;

  // simulated_file_operations.cpp: files and names.
  [[nodiscard]] std::int32_t allocate(const Pending& operation) noexcept;
  [[nodiscard]] std::int32_t truncate(const Pending& operation) noexcept;
  [[nodiscard]] std::int32_t change_names(const Submission& entry) noexcept;
  [[nodiscard]] std::int32_t tell_status(const Submission& entry) const noexcept;
  [[nodiscard]] std::int32_t open_direct(const Submission& entry) noexcept;
  [[nodiscard]] std::int32_t install(ObjectPointer object) noexcept;
  [[nodiscard]] std::int32_t close(const Submission& entry) noexcept;
  [[nodiscard]] bool is_in_registered_buffer(const Submission& entry) const noexcept;
  [[nodiscard]] SimulatedStore::Found find_descriptor(const Submission& entry) const noexcept;
  void cancel(const Submission& entry) noexcept;
  [[nodiscard]] CancelAnswer decide_cancel(const Pending& target) noexcept;
  void answer_cancel(const Submission& entry, std::int32_t result) noexcept;

  SimulatedRingOptions options_;
  SeededRandom random_;
  SimulatedStore store_;
  TimePoint now_;
  std::vector<Submission> submission_queue_;  // what the program shares with this kernel
  std::vector<RingCompletion> completion_queue_;
  unsigned kernel_submission_head_ = 0;
  unsigned kernel_submission_tail_ = 0;
  unsigned submission_flags_ = kCompletionsDue;  // so that each turn of the program comes to enter
  unsigned completion_head_ = 0;
  unsigned completion_tail_ = 0;
  std::list<Pending> pending_;  // in the order of submission
  std::unordered_map<std::uint64_t, std::list<Pending>::iterator> by_user_data_;
  std::deque<RingCompletion> backlog_;
  std::vector<iovec> registered_buffers_;
  std::vector<ObjectPointer> direct_descriptors_;  // null: a free place

  std::map<std::uint16_t, BufferGroup> buffer_groups_;

  std::map<Opcode, std::deque<std::int32_t>> planned_;
  std::deque<int> planned_enters_;
  std::optional<CancelAnswer> cancel_answer_;
  std::vector<RingCompletion> decided_;
  std::vector<RingCompletion> strays_;
  std::shared_ptr<std::function<void()>> hook_;  // shared, as a hook may replace itself

  std::uint64_t enters_ = 0;
  std::uint64_t operations_taken_ = 0;
  std::map<Opcode, std::uint64_t> taken_of_;  // ... the same, by what they are
  std::uint64_t cancels_taken_ = 0;
  std::uint64_t finals_posted_ = 0;
  std::uint64_t connections_dropped_ = 0;
  std::uint64_t fingerprint_ = 0;
};

/// The bits of Submission::priority that make an accept multishot (IORING_ACCEPT_MULTISHOT).
inline constexpr std::uint16_t kAcceptMultishot = 1;

/// What a send is to send: a copy of its buffer, or of its message's.
[[nodiscard]] Bytes bytes_to_send(const Submission& entry);

/// Whether the kernel receives into a buffer that it chooses itself.
[[nodiscard]] constexpr bool takes_provided_buffer(const Submission& entry) noexcept {
  return entry.opcode == Opcode::receive && (entry.flags & kSubmissionBufferSelect) != 0;
}
/// Whether the program lends a buffer of its own that the kernel writes into.
[[nodiscard]] constexpr bool fills_buffer(const Submission& entry) noexcept {
  return entry.opcode == Opcode::read || entry.opcode == Opcode::readv ||
         entry.opcode == Opcode::read_fixed ||
         (entry.opcode == Opcode::receive && !takes_provided_buffer(entry));
}
/// Whether it lends one that the kernel reads from.
[[nodiscard]] constexpr bool empties_buffer(Opcode opcode) noexcept {
  return opcode == Opcode::write || opcode == Opcode::send || opcode == Opcode::writev ||
         opcode == Opcode::write_fixed;
}
[[nodiscard]] constexpr bool is_zero_copy(Opcode opcode) noexcept {
  return opcode == Opcode::send_zero_copy || opcode == Opcode::sendmsg_zero_copy;
}

}  // namespace sluice::testing
