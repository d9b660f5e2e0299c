#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/detail/api.hpp>
#include <sluice/result.hpp>
#include <sluice/ring.hpp>

namespace sluice {

/// What a kernel has or has not, apart from its operations (io_uring_setup(2)).
enum class Feature : std::uint8_t {
  no_drop,                  // completions are kept when the completion queue is full
  submit_stable,            // what an entry points to is read when it is submitted
  fast_poll,                // an operation that would wait is polled for, without a thread
  timed_wait,               // io_uring_enter(2) takes a timeout
  native_workers,           // worker threads belong to the process
  resource_tags,            // registered buffers and descriptors can be changed one by one
  silent_success,           // an entry can ask for no completion when it succeeds
  direct_descriptors,       // the kernel chooses their places (IORING_FILE_INDEX_ALLOC)
  multishot_accept,         // one entry accepts many connections
  provided_buffer_rings,    // the kernel takes receive buffers from a ring
  multishot_receive,        // one entry receives many times
  bundles,                  // one send or receive with many provided buffers
  minimum_wait,             // a wait for several completions, with a time of its own
  wait_without_io_account,  // a sleeping ring does not count as waiting for I/O
};
/// How many features there are.
inline constexpr std::size_t kFeatureCount = 14;

/// What the running kernel's io_uring offers, asked of the kernel itself (IORING_REGISTER_PROBE).
struct SLUICE_API Capabilities {
  std::string kernel_release;  // as uname(2) gives it
  std::uint32_t features = 0;  // IORING_FEAT_* of io_uring_setup(2)
  std::bitset<256> opcodes;    // which operations the kernel knows

  /// Whether the kernel knows the operation.
  [[nodiscard]] bool supports(Opcode opcode) const noexcept {
    return opcodes.test(static_cast<std::size_t>(opcode));
  }
  /// Told by its bit in `features` or, where there is none, by an operation of the same release.
  [[nodiscard]] bool supports(Feature feature) const noexcept;
  /// "operation 'socket' needs Linux 5.19; this is Linux 5.15.0" for what is missing, "" for what
  /// is there.
  [[nodiscard]] std::string explain(Opcode opcode) const;
  /// The same for a feature.
  [[nodiscard]] std::string explain(Feature feature) const;
};

/// The name of an operation, for people and metrics: "read", "accept", ...
SLUICE_API [[nodiscard]] const char* name_of(Opcode opcode) noexcept;

/// "direct descriptors", "multishot accept", ...
SLUICE_API [[nodiscard]] const char* name_of(Feature feature) noexcept;

/// Why no ring can be made here, in one sentence that ends with what to do about it.
struct SetupError {
  /// What io_uring_setup(2) failed with.
  int errno_value = 0;
  /// A sentence for the person who can change it.
  std::string explanation;
};

/// Facts that decide which explanation is the likely one; gathered by current_environment().
struct SetupEnvironment {
  /// As uname(2) gives it.
  std::string kernel_release;
  int io_uring_disabled = -1;             // kernel.io_uring_disabled; -1: the file cannot be read
  bool has_seccomp_filter = false;        // "Seccomp: 2" in /proc/self/status
  std::uint64_t memlock_limit_bytes = 0;  // RLIMIT_MEMLOCK (soft)
  std::uint64_t ring_bytes = 0;  // what the smallest ring, or the buffers, that were tried need
};

/// Reads the facts from /proc and getrlimit(2). Never fails: what cannot be read keeps its default.
SLUICE_API [[nodiscard]] SetupEnvironment current_environment();

/// The sentence for an errno of io_uring_setup(2). Pure, so that every branch has a test.
SLUICE_API [[nodiscard]] SetupError explain_setup_failure(int errno_value,
                                                          const SetupEnvironment& environment);

/// The sentence for an errno of registering buffers (io_uring_register(2)), likewise.
SLUICE_API [[nodiscard]] SetupError explain_buffer_failure(int errno_value,
                                                           const SetupEnvironment& environment);

/// Asks the kernel by making a small ring and closing it again.
SLUICE_API [[nodiscard]] std::expected<Capabilities, SetupError> probe_capabilities();

}  // namespace sluice
