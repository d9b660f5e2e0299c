#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <sluice/capabilities.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/ring.hpp>

namespace sluice {

/// What a ring is asked to keep for the program, beside its operations.
enum class Registration : std::uint8_t {
  buffers,             // Ring::register_buffers()
  direct_descriptors,  // Ring::register_direct_descriptors()
  buffer_rings,        // Ring::register_buffer_ring()
};

/// All that a ring may be asked for in its life (IORING_REGISTER_RESTRICTIONS of
/// io_uring_register(2), Linux 5.10, and so there wherever a KernelRing is). The kernel answers
/// anything else with EACCES, whoever asks: whatever takes the program over gets no more out of the
/// ring. Flags of entries are restricted to those that ring.hpp names. What Ring::attempt() does
/// are system calls, which no ring can restrict.
///
/// The spans are read by KernelRing::create() and need not be valid afterwards.
struct RingRestrictions {
  /// The operations; those that the kernel does not know, or only attempt(), do not count.
  std::span<const Opcode> operations;
  /// What may be registered, and unregistered, once the ring is made.
  std::span<const Registration> registrations{};
};

/// How large a KernelRing is made, and what it is for.
struct RingOptions {
  /// Entries of the submission queue: the largest batch of one turn. Rounded up to a power of two,
  /// at most 32768.
  unsigned submission_entries = 1024;
  /// Entries of the completion queue: the most operations in flight. Rounded up to a power of two,
  /// at least twice the submission queue, at most 65536.
  unsigned completion_entries = 8192;
  /// Upper bounds on the kernel's worker threads of this ring, for regular files and for all else;
  /// 0 leaves the kernel's own (4 x CPUs and RLIMIT_NPROC). IORING_REGISTER_IOWQ_MAX_WORKERS.
  unsigned bounded_workers = 0;
  /// The same for everything that is no regular file: sockets, pipes, devices.
  unsigned unbounded_workers = 0;
  /// Nothing leaves the ring able to do all that the kernel can.
  std::optional<RingRestrictions> restrictions{};
};

/// A ring of the kernel's (io_uring(7)), set up as design rule 1 says: SINGLE_ISSUER,
/// DEFER_TASKRUN, COOP_TASKRUN, TASKRUN_FLAG, SUBMIT_ALL, which needs Linux 6.1. kernel_ring.cpp is
/// the only file that sees liburing.
class SLUICE_API KernelRing final : public Ring {
 public:
  /// Makes a ring for the calling thread, and blocks SIGPIPE for that thread (sendfile(2) cannot be
  /// told not to raise it). When the memory for it is refused (ENOMEM), halves the queues and tries
  /// again, down to 64 entries, until as much again is left for what the ring registers later and
  /// for other rings; the capacities tell what came of it.
  [[nodiscard]] static std::expected<std::unique_ptr<KernelRing>, SetupError> create(
      const RingOptions& options);
  ~KernelRing() override;

  [[nodiscard]] std::int32_t attempt(const Submission& entry) noexcept override;
  [[nodiscard]] std::int32_t register_buffer_ring(std::span<ProvidedBuffer> places,
                                                  std::uint16_t group) noexcept override;
  void unregister_buffer_ring(std::uint16_t group) noexcept override;
  /// False for what the ring may not be asked for, too.
  [[nodiscard]] bool supports(Opcode opcode) const noexcept override;
  [[nodiscard]] int register_buffers(std::span<const iovec> buffers) noexcept override;
  /// Waits until the kernel has let go of them.
  void unregister_buffers() noexcept override;
  [[nodiscard]] int register_direct_descriptors(unsigned count) noexcept override;
  /// Closes what is left in the table.
  void unregister_direct_descriptors() noexcept override;
  void close_direct_descriptor(unsigned slot) noexcept override;

  /// What the kernel of this ring offers, whatever of it this one may be asked for; asked once,
  /// when it was made.
  [[nodiscard]] const Capabilities& capabilities() const noexcept;

 private:
  struct State;
  KernelRing(std::unique_ptr<State> state, unsigned enter_flags);
  [[nodiscard]] int restrict(const RingRestrictions& allowed);
  std::unique_ptr<State> state_;
};

/// "2.3": the liburing this was compiled against.
SLUICE_API [[nodiscard]] const char* liburing_version() noexcept;

}  // namespace sluice
