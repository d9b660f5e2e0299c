#pragma once

#include <cstddef>
#include <cstdint>

/// Whether this build has the address sanitizer, and so whether buffers in flight are guarded.
#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_SIMULATION_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_SIMULATION_HAS_ASAN 1
#endif
#endif
#ifndef SLUICE_SIMULATION_HAS_ASAN
#define SLUICE_SIMULATION_HAS_ASAN 0
#endif

namespace sluice::testing {

/// Under the address sanitizer, marks a buffer as the kernel's: until it is taken back, a program
/// that touches it is stopped. Without the sanitizer it does nothing.
void lend_to_kernel(std::uint64_t address, std::size_t length) noexcept;

/// Takes a buffer back. One that has been freed meanwhile keeps the sanitizer's own marks, so that
/// the copy which follows is reported as a use after free.
void take_back_from_kernel(std::uint64_t address, std::size_t length) noexcept;

}  // namespace sluice::testing
