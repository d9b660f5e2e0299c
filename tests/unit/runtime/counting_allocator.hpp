// Counts what the whole program takes from the heap with operator new. The executable that links
// counting_allocator.cpp has its operators in place of the standard library's.
#pragma once

#include <cstdint>

namespace sluice::runtime_test {

/// Allocations made so far, by all threads.
[[nodiscard]] std::uint64_t allocations_made() noexcept;
/// Allocations made and not freed.
[[nodiscard]] std::int64_t allocations_alive() noexcept;

}  // namespace sluice::runtime_test
