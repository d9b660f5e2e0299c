#pragma once

#include <chrono>

namespace sluice {

/// The clock of deadlines and latencies: monotonic, nanoseconds. A shard reads it once a turn
/// (Executor::now()); a simulated ring has a clock of its own.
using Clock = std::chrono::steady_clock;
/// A moment of that clock.
using TimePoint = Clock::time_point;
/// Nanoseconds, signed.
using Duration = std::chrono::nanoseconds;

/// A deadline that never comes.
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace sluice
