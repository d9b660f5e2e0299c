#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/detail/api.hpp>
#include <sluice/result.hpp>
#include <sluice/ring.hpp>

namespace sluice {

/// What the running kernel's io_uring offers, asked of the kernel itself (IORING_REGISTER_PROBE).
struct SLUICE_API Capabilities {
  std::string kernel_release;  // as uname(2) gives it
  std::uint32_t features = 0;  // IORING_FEAT_* of io_uring_setup(2)
  std::bitset<256> opcodes;    // which operations the kernel knows

  /// Whether the kernel knows the operation.
  [[nodiscard]] bool supports(Opcode opcode) const noexcept {
    return opcodes.test(static_cast<std::size_t>(opcode));
  }
  /// "operation 'socket' needs Linux 5.19" for what is missing, "" for what is there.
  [[nodiscard]] std::string explain(Opcode opcode) const;
};

/// The name of an operation, for people and metrics: "read", "accept", ...
SLUICE_API [[nodiscard]] const char* name_of(Opcode opcode) noexcept;

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
  std::uint64_t ring_bytes = 0;           // what the smallest ring that was tried needs
};

/// Reads the facts from /proc and getrlimit(2). Never fails: what cannot be read keeps its default.
SLUICE_API [[nodiscard]] SetupEnvironment current_environment();

/// The sentence for an errno of io_uring_setup(2). Pure, so that every branch has a test.
SLUICE_API [[nodiscard]] SetupError explain_setup_failure(int errno_value,
                                                          const SetupEnvironment& environment);

/// Asks the kernel by making a small ring and closing it again.
SLUICE_API [[nodiscard]] std::expected<Capabilities, SetupError> probe_capabilities();

}  // namespace sluice
