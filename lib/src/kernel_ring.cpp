// The only file that sees liburing. Everything above works with Submission and RingCompletion.
#include <sluice/kernel_ring.hpp>

#include <linux/time_types.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <bitset>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include <liburing.h>

namespace sluice {
namespace {

static_assert(kCompletionsHeldBack == IORING_SQ_CQ_OVERFLOW);
static_assert(kCompletionsDue == IORING_SQ_TASKRUN);
static_assert(detail::kEnterGetEvents == IORING_ENTER_GETEVENTS);
static_assert(detail::kEnterWithArgument == IORING_ENTER_EXT_ARG);
static_assert(sizeof(detail::EnterArgument) == sizeof(io_uring_getevents_arg));
static_assert(offsetof(detail::EnterArgument, timeout) == offsetof(io_uring_getevents_arg, ts));
static_assert(sizeof(detail::KernelTimespec) == sizeof(__kernel_timespec));
static_assert(sizeof(RingCompletion) == sizeof(io_uring_cqe));
static_assert(offsetof(RingCompletion, result) == offsetof(io_uring_cqe, res));
static_assert(offsetof(RingCompletion, flags) == offsetof(io_uring_cqe, flags));
static_assert(sizeof(Submission) == sizeof(io_uring_sqe));
static_assert(offsetof(Submission, priority) == offsetof(io_uring_sqe, ioprio));
static_assert(offsetof(Submission, fd) == offsetof(io_uring_sqe, fd));
static_assert(offsetof(Submission, offset) == offsetof(io_uring_sqe, off));
static_assert(offsetof(Submission, address) == offsetof(io_uring_sqe, addr));
static_assert(offsetof(Submission, length) == offsetof(io_uring_sqe, len));
static_assert(offsetof(Submission, operation_flags) == offsetof(io_uring_sqe, rw_flags));
static_assert(offsetof(Submission, user_data) == offsetof(io_uring_sqe, user_data));
static_assert(offsetof(Submission, buffer) == offsetof(io_uring_sqe, buf_index));
static_assert(offsetof(Submission, file_index) == offsetof(io_uring_sqe, file_index));
static_assert(offsetof(Submission, address3) == offsetof(io_uring_sqe, addr3));

static_assert(static_cast<int>(Opcode::poll_remove) == IORING_OP_POLL_REMOVE);
static_assert(static_cast<int>(Opcode::recvmsg) == IORING_OP_RECVMSG);
static_assert(static_cast<int>(Opcode::accept) == IORING_OP_ACCEPT);
static_assert(static_cast<int>(Opcode::async_cancel) == IORING_OP_ASYNC_CANCEL);
static_assert(static_cast<int>(Opcode::fallocate) == IORING_OP_FALLOCATE);
static_assert(static_cast<int>(Opcode::statx) == IORING_OP_STATX);
static_assert(static_cast<int>(Opcode::write) == IORING_OP_WRITE);
static_assert(static_cast<int>(Opcode::receive) == IORING_OP_RECV);
static_assert(static_cast<int>(Opcode::openat2) == IORING_OP_OPENAT2);
static_assert(static_cast<int>(Opcode::splice) == IORING_OP_SPLICE);
static_assert(static_cast<int>(Opcode::renameat) == IORING_OP_RENAMEAT);
static_assert(static_cast<int>(Opcode::mkdirat) == IORING_OP_MKDIRAT);
static_assert(static_cast<int>(Opcode::linkat) == IORING_OP_LINKAT);
static_assert(static_cast<int>(Opcode::socket) == IORING_OP_SOCKET);
static_assert(static_cast<int>(Opcode::send_zero_copy) == IORING_OP_SEND_ZC);
static_assert(static_cast<int>(Opcode::sendmsg_zero_copy) == IORING_OP_SENDMSG_ZC);
static_assert(kPollFirst == IORING_RECVSEND_POLL_FIRST);
static_assert(kReceiveMultishot == IORING_RECV_MULTISHOT);
static_assert(sizeof(ProvidedBuffer) == sizeof(io_uring_buf));
static_assert(offsetof(ProvidedBuffer, length) == offsetof(io_uring_buf, len));
static_assert(offsetof(ProvidedBuffer, id) == offsetof(io_uring_buf, bid));
static_assert(offsetof(ProvidedBuffer, tail) == offsetof(io_uring_buf_ring, tail));
static_assert(kCompletionBuffer == IORING_CQE_F_BUFFER);
static_assert(kCompletionMore == IORING_CQE_F_MORE);
static_assert(kCompletionNonempty == IORING_CQE_F_SOCK_NONEMPTY);
static_assert(kCompletionNotification == IORING_CQE_F_NOTIF);
static_assert(kCompletionBufferShift == IORING_CQE_BUFFER_SHIFT);
static_assert(kSubmissionFixedFile == IOSQE_FIXED_FILE);
static_assert(static_cast<unsigned>(kDirectDescriptorAny) == IORING_FILE_INDEX_ALLOC);
static_assert(kSubmissionAsync == IOSQE_ASYNC);
static_assert(kSubmissionBufferSelect == IOSQE_BUFFER_SELECT);
static_assert(kSubmissionSkipSuccess == IOSQE_CQE_SKIP_SUCCESS);

// Newer than the headers of liburing 2.3; from the kernel's include/uapi/linux/io_uring.h, 6.15.
constexpr unsigned kEnterNoIowait = 1U << 7;
constexpr unsigned kFeatureNoIowait = 1U << 17;
// IORING_SEND_ZC_REPORT_USAGE is of Linux 6.2 and nothing announces it, so it is asked for from 6.3
// on, which IORING_FEAT_REG_REG_RING announces.
constexpr std::uint16_t kSendReportUsage = 1U << 3;
constexpr unsigned kFeatureOfLinux63 = 1U << 13;
// IORING_ACCEPT_POLL_FIRST is of Linux 6.10, which IORING_FEAT_RECVSEND_BUNDLE announces.
constexpr std::uint16_t kAcceptPollFirst = 1U << 2;
constexpr unsigned kFeatureOfLinux610 = 1U << 14;

constexpr unsigned kSmallestRing = 64;
constexpr unsigned kMostSubmissions = 32768;  // IORING_MAX_ENTRIES
constexpr unsigned kMostCompletions = 65536;  // IORING_MAX_CQ_ENTRIES
constexpr unsigned kMostDirectDescriptors = 32768;

// sendfile(2) has no MSG_NOSIGNAL: to a peer that is gone it answers EPIPE and raises SIGPIPE in
// the calling thread, which stays pending where it is blocked and does no harm.
void block_broken_pipe_signal() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// The room that a ring's two queues take (see charge in the explanation of ENOMEM): 64 bytes a
// submission, 16 a completion, 4 an index, in whole pages.
std::uint64_t ring_bytes(unsigned submissions, unsigned completions) noexcept {
  const auto pages = [](std::uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; };
  return pages(64ULL * submissions) + pages(64ULL + 16ULL * completions + 4ULL * submissions);
}

Capabilities read_capabilities(io_uring& ring) {
  Capabilities found;
  found.kernel_release = current_environment().kernel_release;
  found.features = ring.features;
  if (io_uring_probe* probe = io_uring_get_probe_ring(&ring); probe != nullptr) {
    for (unsigned opcode = 0; opcode < found.opcodes.size(); ++opcode) {
      found.opcodes.set(opcode, io_uring_opcode_supported(probe, static_cast<int>(opcode)) != 0);
    }
    io_uring_free_probe(probe);
  }
  return found;
}

std::vector<unsigned> calls_of(Registration registration) {
  switch (registration) {
    case Registration::buffers:
      return {IORING_REGISTER_BUFFERS, IORING_UNREGISTER_BUFFERS};
    case Registration::direct_descriptors:
      return {IORING_REGISTER_FILES2, IORING_REGISTER_FILES_UPDATE, IORING_UNREGISTER_FILES};
    case Registration::buffer_rings:
      return {IORING_REGISTER_PBUF_RING, IORING_UNREGISTER_PBUF_RING};
  }
  return {};
}

// The ring is made disabled, is told what it may be asked for, and takes entries only then. The
// shared library of liburing 2.3 has neither of the two calls; it has the one below both.
int restrict_and_enable(const io_uring& ring, const std::bitset<256>& operations,
                        std::span<const Registration> registrations) {
  std::vector<io_uring_restriction> rules;
  const auto allow = [&rules](unsigned what, unsigned value) {
    io_uring_restriction& rule = rules.emplace_back();
    rule.opcode = static_cast<std::uint16_t>(what);
    rule.sqe_op = static_cast<std::uint8_t>(value);  // the same byte whatever it is
  };
  for (unsigned opcode = 0; opcode < operations.size(); ++opcode) {
    if (operations.test(opcode)) {
      allow(IORING_RESTRICTION_SQE_OP, opcode);
    }
  }
  allow(IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
        kSubmissionFixedFile | kSubmissionAsync | kSubmissionBufferSelect | kSubmissionSkipSuccess);
  for (const Registration registration : registrations) {
    for (const unsigned call : calls_of(registration)) {
      allow(IORING_RESTRICTION_REGISTER_OP, call);
    }
  }
  // Of the end of every ring: without it, the thread would keep it until the thread's own end.
  allow(IORING_RESTRICTION_REGISTER_OP, IORING_UNREGISTER_RING_FDS);
  const auto fd = static_cast<unsigned>(ring.ring_fd);
  const int restricted = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, rules.data(),
                                           static_cast<unsigned>(rules.size()));
  return restricted < 0 ? restricted
                        : io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
}

int set_up_once(io_uring& ring, unsigned submissions, unsigned completions, unsigned more_flags) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | more_flags;
  params.cq_entries = completions;
  return io_uring_queue_init_params(submissions, &ring, &params);
}

// Locks about so many bytes through a ring, as buffers that it takes, while `act` runs. What a ring
// itself had locked is given back only some time after its end, but these are so at once.
template <typename Act>
int while_locked(io_uring& ring, std::uint64_t bytes, Act act) {
  constexpr std::uint64_t kMostBuffers = 32768;
  const std::uint64_t count = std::min(std::bit_ceil(bytes / sizeof(io_uring_buf)), kMostBuffers);
  const std::unique_ptr<void, decltype(&std::free)> memory(
      std::aligned_alloc(4096, count * sizeof(io_uring_buf)), &std::free);
  io_uring_buf_reg request{};
  request.ring_addr = reinterpret_cast<std::uint64_t>(memory.get());
  request.ring_entries = static_cast<std::uint32_t>(count);
  if (memory == nullptr || io_uring_register_buf_ring(&ring, &request, 0) != 0) {
    return -ENOMEM;
  }
  const int result = act();
  io_uring_unregister_buf_ring(&ring, 0);
  return result;
}

// Where the memory is refused, makes the ring half as large, and again, until as much is left as it
// takes: what it registers later, and other rings, are charged to the same limit.
int set_up(io_uring& ring, unsigned& submissions, unsigned& completions, unsigned more_flags) {
  int error = set_up_once(ring, submissions, completions, more_flags);
  if (error != -ENOMEM || submissions <= kSmallestRing) {
    return error;
  }
  io_uring holder{};
  if (set_up_once(holder, kSmallestRing, 2 * kSmallestRing, 0) != 0) {
    return error;
  }
  while (error == -ENOMEM && submissions > kSmallestRing) {
    submissions /= 2;
    completions /= 2;
    error = while_locked(holder, ring_bytes(submissions, completions),
                         [&] { return set_up_once(ring, submissions, completions, more_flags); });
  }
  io_uring_queue_exit(&holder);
  return error;
}

SetupError explain_restriction_failure(int errno_value) {
  return {errno_value, "the ring cannot be restricted to what it is used for: " +
                           std::error_code(errno_value, std::generic_category()).message()};
}

}  // namespace

struct KernelRing::State {
  io_uring ring{};
  Capabilities capabilities;
  std::bitset<256> allowed = std::bitset<256>().set();  // operations, as far as they are restricted
};

KernelRing::KernelRing(std::unique_ptr<State> state, unsigned enter_flags)
    : state_(std::move(state)) {
  enter_descriptor_ = state_->ring.enter_ring_fd;
  enter_flags_ = static_cast<std::uint16_t>(enter_flags);
  static const bool has_ticks = TickClock::is_usable();
  if (has_ticks) {
    clock_.use_ticks();
  }
  const io_uring_sq& submissions = state_->ring.sq;
  const io_uring_cq& completions = state_->ring.cq;
  queues_ = {.submissions = reinterpret_cast<Submission*>(submissions.sqes),
             .submission_mask = *submissions.kring_mask,
             .submission_capacity = *submissions.kring_entries,
             .submission_head = submissions.khead,
             .submission_tail = submissions.ktail,
             .submission_flags = submissions.kflags,
             .completions = reinterpret_cast<const RingCompletion*>(completions.cqes),
             .completion_mask = *completions.kring_mask,
             .completion_capacity = *completions.kring_entries,
             .completion_head = completions.khead,
             .completion_tail = completions.ktail};
  if ((state_->ring.features & kFeatureOfLinux63) != 0) {
    zero_copy_options_ = kSendReportUsage;
  }
  if ((state_->ring.features & kFeatureOfLinux610) != 0) {
    // An accept makes a socket before it looks whether anybody has come: not where nobody has.
    accept_options_ = kAcceptPollFirst;
  }
}

KernelRing::~KernelRing() { io_uring_queue_exit(&state_->ring); }

std::expected<std::unique_ptr<KernelRing>, SetupError> KernelRing::create(
    const RingOptions& options) {
  block_broken_pipe_signal();
  auto state = std::make_unique<State>();
  unsigned submissions =
      std::bit_ceil(std::clamp(options.submission_entries, kSmallestRing, kMostSubmissions));
  unsigned completions =
      std::bit_ceil(std::clamp(options.completion_entries, 2 * submissions, kMostCompletions));
  const int error = set_up(state->ring, submissions, completions,
                           options.restrictions ? IORING_SETUP_R_DISABLED : 0U);
  if (error < 0) {
    SetupEnvironment environment = current_environment();
    environment.ring_bytes = ring_bytes(submissions, completions);
    return std::unexpected(explain_setup_failure(-error, environment));
  }
  io_uring& ring = state->ring;
  // A child process must not share the queues with us.
  io_uring_ring_dontfork(&ring);
  // Saves looking the ring's descriptor up at every enter; not having it costs only that.
  unsigned enter_flags = 0;
  if (io_uring_register_ring_fd(&ring) == 1) {
    enter_flags |= IORING_ENTER_REGISTERED_RING;
  }
  state->capabilities = read_capabilities(ring);
  if ((ring.features & kFeatureNoIowait) != 0) {
    // Without it a server that waits for requests shows up as 100 % iowait.
    enter_flags |= kEnterNoIowait;
  }
  // The indirection array of the submission queue stays the identity: entries are used in order.
  for (unsigned index = 0; index <= *ring.sq.kring_mask; ++index) {
    ring.sq.array[index] = index;
  }
  if (options.bounded_workers != 0 || options.unbounded_workers != 0) {
    unsigned limits[2] = {options.bounded_workers, options.unbounded_workers};
    io_uring_register_iowq_max_workers(&ring, limits);
  }
  std::unique_ptr<KernelRing> made(new KernelRing(std::move(state), enter_flags));
  if (options.restrictions) {
    if (const int refused = made->restrict(*options.restrictions); refused < 0) {
      return std::unexpected(explain_restriction_failure(-refused));
    }
  }
  return made;
}

int KernelRing::restrict(const RingRestrictions& allowed) {
  state_->allowed.reset();
  for (const Opcode opcode : allowed.operations) {
    state_->allowed.set(static_cast<std::size_t>(opcode));
  }
  // The kernel takes one that it does not know for a mistake.
  state_->allowed &= state_->capabilities.opcodes;
  return restrict_and_enable(state_->ring, state_->allowed, allowed.registrations);
}

std::int32_t KernelRing::register_buffer_ring(std::span<ProvidedBuffer> places,
                                              std::uint16_t group) noexcept {
  io_uring_buf_reg request{};
  request.ring_addr = reinterpret_cast<std::uint64_t>(places.data());
  request.ring_entries = static_cast<std::uint32_t>(places.size());
  request.bgid = group;
  return io_uring_register_buf_ring(&state_->ring, &request, 0);
}

void KernelRing::unregister_buffer_ring(std::uint16_t group) noexcept {
  io_uring_unregister_buf_ring(&state_->ring, group);
}

bool KernelRing::supports(Opcode opcode) const noexcept {
  return state_->capabilities.supports(opcode) &&
         state_->allowed.test(static_cast<std::size_t>(opcode));
}

int KernelRing::register_buffers(std::span<const iovec> buffers) noexcept {
  return io_uring_register_buffers(&state_->ring, buffers.data(),
                                   static_cast<unsigned>(buffers.size()));
}

void KernelRing::unregister_buffers() noexcept { io_uring_unregister_buffers(&state_->ring); }

int KernelRing::register_direct_descriptors(unsigned count) noexcept {
  // The kernel takes an empty table for a mistake, and says nothing about one that is too large but
  // EMFILE, as if descriptors had run out.
  return count == 0 || count > kMostDirectDescriptors
             ? -EINVAL
             : io_uring_register_files_sparse(&state_->ring, count);
}

void KernelRing::unregister_direct_descriptors() noexcept {
  io_uring_unregister_files(&state_->ring);
}

void KernelRing::close_direct_descriptor(unsigned slot) noexcept {
  int none = -1;
  io_uring_register_files_update(&state_->ring, slot, &none, 1);
}

const Capabilities& KernelRing::capabilities() const noexcept { return state_->capabilities; }

const char* liburing_version() noexcept { return SLUICE_LIBURING_VERSION; }

std::expected<Capabilities, SetupError> probe_capabilities() {
  auto ring = KernelRing::create({.submission_entries = 1, .completion_entries = 1});
  if (!ring) {
    return std::unexpected(std::move(ring.error()));
  }
  return (*ring)->capabilities();
}

}  // namespace sluice
