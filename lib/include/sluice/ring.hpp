#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/detail/enter.hpp>
#include <sluice/tick_clock.hpp>

/// The seam between the runtime and a kernel. Above it nothing knows liburing; below it stands
/// KernelRing, or a simulated kernel that reorders, shortens and fails what it is asked to do.
namespace sluice {

/// What the kernel is asked to do. The values are those of io_uring_enter(2) (checked against the
/// kernel's header in kernel_ring.cpp), except for the calls that only attempt() knows.
enum class Opcode : std::uint8_t {
  nop = 0,
  readv = 1,
  writev = 2,
  fsync = 3,
  read_fixed = 4,
  write_fixed = 5,
  poll_add = 6,
  poll_remove = 7,
  sendmsg = 9,
  recvmsg = 10,
  timeout = 11,
  accept = 13,
  async_cancel = 14,
  connect = 16,
  fallocate = 17,
  close = 19,
  statx = 21,
  read = 22,
  write = 23,
  fadvise = 24,
  send = 26,
  receive = 27,
  openat2 = 28,
  splice = 30,
  shutdown = 34,
  renameat = 35,
  unlinkat = 36,
  mkdirat = 37,
  linkat = 39,
  socket = 45,
  send_zero_copy = 47,
  sendmsg_zero_copy = 48,
  ftruncate = 55,
  /// sendfile(2): there is no ring operation for it. Only for Ring::attempt().
  send_file = 254,
};

/// One entry of the submission queue, with the layout of the kernel's io_uring_sqe. What a field
/// means depends on the opcode; the requests (request.hpp) are the one place that fills them.
struct Submission {
  /// What is to be done.
  Opcode opcode = Opcode::nop;
  /// IOSQE_* (kSubmissionAsync and the others below).
  std::uint8_t flags = 0;
  std::uint16_t priority = 0;  // also the option bits of accept, receive, send and poll
  /// The descriptor that it is done to.
  std::int32_t fd = -1;
  /// An offset in a file, or a second address.
  std::uint64_t offset = 0;
  /// A buffer, a path, or the user_data of what is to be cancelled.
  std::uint64_t address = 0;
  /// Bytes, or the number of elements of a vector.
  std::uint32_t length = 0;
  /// The flags of the system call.
  std::uint32_t operation_flags = 0;
  /// Comes back in the completion. The Reactor puts the operation id here.
  std::uint64_t user_data = 0;
  std::uint16_t buffer = 0;  // index of a registered buffer, or the group to select one from
  /// Credentials to act with; 0: those of the process.
  std::uint16_t personality = 0;
  /// A second descriptor, or a place in the table of direct descriptors.
  std::int32_t file_index = 0;
  /// A third address, for the few operations that take one.
  std::uint64_t address3 = 0;
  /// Zero.
  std::uint64_t reserved = 0;
};
static_assert(sizeof(Submission) == 64);

/// One entry of the completion queue, with the layout of the kernel's io_uring_cqe.
struct RingCompletion {
  /// That of the entry it belongs to.
  std::uint64_t user_data = 0;
  /// What the system call would return, an error as a negative errno.
  std::int32_t result = 0;
  /// kCompletionMore and the others below.
  std::uint32_t flags = 0;
};
static_assert(sizeof(RingCompletion) == 16);

/// Bits of RingCompletion::flags.
inline constexpr std::uint32_t kCompletionBuffer = 1U << 0;  // a buffer was selected; its id is in
inline constexpr std::uint32_t kCompletionMore = 1U << 1;  // more completions of this entry follow
inline constexpr std::uint32_t kCompletionNonempty = 1U << 2;      // the socket has more to receive
inline constexpr std::uint32_t kCompletionNotification = 1U << 3;  // zero-copy: the buffer is free
inline constexpr unsigned kCompletionBufferShift = 16;             // ... the upper half

/// A bit of a notification's result: the kernel made a copy in spite of it (Linux 6.2).
inline constexpr std::uint32_t kNotificationCopied = 1U << 31;

/// Bits of Submission::priority, for receives and sends.
inline constexpr std::uint16_t kPollFirst = 1U << 0;         // wait for readiness before trying
inline constexpr std::uint16_t kReceiveMultishot = 1U << 1;  // goes on after each completion

/// One place of a ring of provided buffers, with the layout of the kernel's io_uring_buf: memory
/// that the kernel may receive into. The last field of the first place is the ring's tail: how many
/// buffers have ever been put in, modulo 65536 (io_uring_register(2), IORING_REGISTER_PBUF_RING).
struct ProvidedBuffer {
  /// Where the memory is.
  std::uint64_t address = 0;
  /// How many bytes it has.
  std::uint32_t length = 0;
  /// What a completion calls it.
  std::uint16_t id = 0;
  /// Of the first place only: how many buffers have ever been put in.
  std::uint16_t tail = 0;
};
static_assert(sizeof(ProvidedBuffer) == 16);

/// Bits of Submission::flags.
inline constexpr std::uint8_t kSubmissionFixedFile = 1U << 0;     // fd is a direct descriptor
inline constexpr std::uint8_t kSubmissionAsync = 1U << 4;         // do not try inline, use a worker
inline constexpr std::uint8_t kSubmissionBufferSelect = 1U << 5;  // take a buffer from a group
inline constexpr std::uint8_t kSubmissionSkipSuccess = 1U << 6;   // no completion when it succeeds

/// Submission::file_index of an open that is to make a direct descriptor, in a place of the
/// kernel's choice.
inline constexpr std::int32_t kDirectDescriptorAny = -1;

/// Bits of RingQueues::submission_flags, either of which takes an enter(): the kernel has
/// completions that the queue has no room for.
inline constexpr unsigned kCompletionsHeldBack = 1U << 1;
inline constexpr unsigned kCompletionsDue = 1U << 2;  // ... or has yet to post some

/// Where a ring's two queues lie: memory that the program shares with the kernel, as
/// io_uring_setup(2) lays it out. The kernel moves the head of the submissions and the tail of the
/// completions, the program the other two.
struct RingQueues {
  /// The submission queue: `submission_mask` + 1 places.
  Submission* submissions = nullptr;
  /// A running number of an entry, and this, give its place.
  unsigned submission_mask = 0;
  /// How many places are used at once.
  unsigned submission_capacity = 0;
  /// The number of the next entry that the kernel takes.
  const unsigned* submission_head = nullptr;
  /// One past the number of the last entry that the program has handed over.
  unsigned* submission_tail = nullptr;
  /// IORING_SQ_* of io_uring_setup(2), kCompletionsHeldBack among them.
  const unsigned* submission_flags = nullptr;
  /// The completion queue: `completion_mask` + 1 places.
  const RingCompletion* completions = nullptr;
  /// As submission_mask.
  unsigned completion_mask = 0;
  /// As submission_capacity.
  unsigned completion_capacity = 0;
  /// The number of the next entry that the program takes.
  unsigned* completion_head = nullptr;
  /// One past the number of the last entry that the kernel has put in.
  const unsigned* completion_tail = nullptr;
};

/// One submission queue and one completion queue. All calls come from one thread: the one that
/// made the ring (IORING_SETUP_SINGLE_ISSUER).
///
/// Filling one and emptying the other is memory traffic, the same above every kernel, and done
/// here. What asks a kernel for something is virtual.
class SLUICE_API alignas(64) Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  virtual ~Ring() = default;

  /// How many entries fit in the two queues.
  [[nodiscard]] unsigned submission_capacity() const noexcept {
    return queues_.submission_capacity;
  }
  /// Entries of the completion queue.
  [[nodiscard]] unsigned completion_capacity() const noexcept {
    return queues_.completion_capacity;
  }
  /// Entries pushed and not yet taken by the kernel.
  [[nodiscard]] unsigned unsubmitted() const noexcept {
    return submission_tail_ - submission_head_;
  }

  /// Puts an entry at the end of the submission queue, with `user_data` for its own; the kernel
  /// sees it at the next enter(). False when the queue is full. What the entry points to must stay
  /// valid until that enter() returns, and buffers until the final completion.
  [[nodiscard]] bool push(const Submission& entry, std::uint64_t user_data) noexcept {
    if (unsubmitted() >= queues_.submission_capacity) {
      return false;
    }
    Submission& place = queues_.submissions[submission_tail_ & queues_.submission_mask];
    place = entry;
    place.user_data = user_data;
    if (entry.opcode == Opcode::send_zero_copy || entry.opcode == Opcode::sendmsg_zero_copy) {
      place.priority |= zero_copy_options_;
    }
    ++submission_tail_;
    return true;
  }
  /// With the user_data that it has.
  [[nodiscard]] bool push(const Submission& entry) noexcept { return push(entry, entry.user_data); }

  /// Submits everything pushed and waits until a completion is there, or `at_most` has passed
  /// (kForever: without an end; zero: does not wait, but lets due completions be posted; with
  /// nothing to submit and nothing due it does not go to the kernel). Returns 0, or a negative
  /// errno: -ETIME, -EINTR, -EAGAIN and -EBUSY mean reap and come again, anything else that the
  /// ring is broken.
  ///
  /// Submits by one call and waits by another, and only if it must: what the kernel can do at once
  /// is complete when the first comes back, which then need not look for more. A disk gets its
  /// entries as early, and completions gather between the two (tests/bench/README.md has figures).
  [[nodiscard, gnu::always_inline]] int enter(Duration at_most) noexcept {
    __atomic_store_n(queues_.submission_tail, submission_tail_, __ATOMIC_RELEASE);
    if (enter_descriptor_ < 0) [[unlikely]] {
      return enter_without_descriptor(at_most);
    }
    const auto descriptor = static_cast<unsigned>(enter_descriptor_);
    if (const unsigned to_submit = unsubmitted(); to_submit > 0) {
      const int taken = detail::submit_to_ring(descriptor, enter_flags_, to_submit);
      account_submitted(taken, to_submit);
      if (static_cast<unsigned>(taken) != to_submit) [[unlikely]] {
        return std::min(taken, 0);
      }
    }
    if (!must_wait(at_most)) {
      return 0;
    }
    return detail::wait_for_ring(descriptor, enter_flags_, at_most);
  }

  /// Copies completions out, oldest first, and frees their places. Returns how many.
  [[nodiscard]] std::size_t reap(std::span<RingCompletion> out) noexcept {
    const unsigned head = *queues_.completion_head;
    const unsigned ready = __atomic_load_n(queues_.completion_tail, __ATOMIC_ACQUIRE) - head;
    const auto count = static_cast<unsigned>(std::min<std::size_t>(ready, out.size()));
    for (unsigned index = 0; index < count; ++index) {
      out[index] = queues_.completions[(head + index) & queues_.completion_mask];
    }
    __atomic_store_n(queues_.completion_head, head + count, __ATOMIC_RELEASE);
    return count;
  }

  /// Bits of Submission::priority that an accept is given, so far as the kernel knows them.
  [[nodiscard]] std::uint16_t accept_options() const noexcept { return accept_options_; }

  /// Whether the kernel holds completions back because the completion queue was full.
  [[nodiscard]] bool has_overflowed() const noexcept {
    return (submission_flags() & kCompletionsHeldBack) != 0;
  }

  /// Runs an entry at once on the calling thread if that needs no waiting: openat2 from cached
  /// names, a read from the page cache, send_file into free room of a socket, statx of an open
  /// descriptor, poll_add of what is ready already, receive of what has come, accept of who has
  /// come to a non-blocking socket. Answers like a completion's result; -EAGAIN: it would wait,
  /// push it instead.
  [[nodiscard]] virtual std::int32_t attempt(const Submission& entry) noexcept = 0;

  /// Makes `places`, a power of two of them from a page boundary on, the buffers that operations
  /// with kSubmissionBufferSelect take from when they name `group` (Linux 5.19). They stay the
  /// program's memory and must outlive the registration. 0, or a negative errno; -EEXIST: the group
  /// is taken.
  [[nodiscard]] virtual std::int32_t register_buffer_ring(std::span<ProvidedBuffer> places,
                                                          std::uint16_t group) noexcept = 0;
  /// No operation may be in flight that names the group.
  virtual void unregister_buffer_ring(std::uint16_t group) noexcept = 0;

  /// The kernel's monotonic clock, to within TickClock::kMostApart; a simulated ring has one of its
  /// own.
  [[nodiscard]] TimePoint now() noexcept {
    if (simulated_clock_ != nullptr) [[unlikely]] {
      return *simulated_clock_;
    }
    return clock_.now();
  }

  /// The same clock as of the kernel's last tick: sluice::coarse_now().
  [[nodiscard]] TimePoint coarse_now() const noexcept {
    if (simulated_clock_ != nullptr) [[unlikely]] {
      return *simulated_clock_;
    }
    return sluice::coarse_now();
  }

  /// Whether the kernel knows an operation. Those that Linux 6.1 has need no asking.
  [[nodiscard]] virtual bool supports(Opcode opcode) const noexcept = 0;

  // Things that the kernel keeps for the ring, by number. 0, or a negative errno.

  /// Pins buffers for read_fixed and write_fixed: the one at place n is Submission::buffer n.
  [[nodiscard]] virtual int register_buffers(std::span<const iovec> buffers) noexcept = 0;
  /// Lets go of them. No operation may be in flight on one.
  virtual void unregister_buffers() noexcept = 0;
  /// Makes a table of direct descriptors with `count` places, all free.
  [[nodiscard]] virtual int register_direct_descriptors(unsigned count) noexcept = 0;
  /// Undoes the table. No operation may be in flight on a place of it.
  virtual void unregister_direct_descriptors() noexcept = 0;
  /// Empties a place; operations that the kernel has taken keep the file.
  virtual void close_direct_descriptor(unsigned slot) noexcept = 0;

 protected:
  /// Both system calls of enter() in one, of a ring without a descriptor: answers like
  /// io_uring_enter(2) with `to_submit` entries that waits, with how many of them it has taken, or
  /// a negative errno.
  [[nodiscard]] virtual int enter_simulated(unsigned to_submit, Duration at_most) noexcept {
    static_cast<void>(to_submit);
    static_cast<void>(at_most);
    return -EBADF;
  }

  RingQueues queues_;                           // set by the constructor of who derives
  unsigned submission_head_ = 0;                // the next entry that the kernel takes
  unsigned submission_tail_ = 0;                // one past the last entry that was pushed
  std::uint16_t zero_copy_options_ = 0;         // bits that every zero-copy send is given
  std::uint16_t enter_flags_ = 0;               // of every io_uring_enter(2)
  std::int32_t enter_descriptor_ = -1;          // below 0: it calls enter_simulated() instead
  std::uint16_t accept_options_ = 0;            // what accept_options() tells
  const TimePoint* simulated_clock_ = nullptr;  // null: the kernel's
  TickClock clock_;                             // ... for which this stands

 private:
  [[nodiscard]] unsigned submission_flags() const noexcept {
    return __atomic_load_n(queues_.submission_flags, __ATOMIC_RELAXED);
  }
  // Whether there is a reason to ask the kernel for completions: those that it has yet to post, or
  // that none is there and some time to wait for one.
  [[nodiscard]] bool must_wait(Duration at_most) const noexcept {
    constexpr unsigned kNeedsEnter = kCompletionsHeldBack | kCompletionsDue;
    return (submission_flags() & kNeedsEnter) != 0 ||
           (at_most > Duration::zero() && !has_completions());
  }
  [[nodiscard]] bool has_completions() const noexcept {
    return __atomic_load_n(queues_.completion_tail, __ATOMIC_ACQUIRE) != *queues_.completion_head;
  }
  // The kernel's own count is on a line of memory that it has just written to; it is looked up only
  // when the answer does not say how far it got.
  void account_submitted(int taken, unsigned to_submit) noexcept {
    submission_head_ = static_cast<unsigned>(taken) == to_submit
                           ? submission_tail_
                           : __atomic_load_n(queues_.submission_head, __ATOMIC_ACQUIRE);
  }
  [[nodiscard, gnu::noinline]] int enter_without_descriptor(Duration at_most) noexcept {
    const unsigned to_submit = unsubmitted();
    if (to_submit == 0 && !must_wait(at_most)) {
      return 0;
    }
    const int taken = enter_simulated(to_submit, at_most);
    account_submitted(taken, to_submit);
    return std::min(taken, 0);
  }
};

}  // namespace sluice
