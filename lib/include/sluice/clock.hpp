#pragma once

#include <chrono>
#include <ctime>

namespace sluice {

/// The clock of deadlines and latencies: monotonic, nanoseconds. A shard reads it once a turn
/// (Executor::now()); a simulated ring has a clock of its own.
using Clock = std::chrono::steady_clock;
/// A moment of that clock.
using TimePoint = Clock::time_point;
/// Nanoseconds, signed.
using Duration = std::chrono::nanoseconds;

/// Reads CLOCK_MONOTONIC, which is what Clock reads by way of another library, or another clock of
/// clock_gettime(2) that counts from the same moment.
[[nodiscard]] inline TimePoint read_clock(clockid_t clock) noexcept {
  timespec now;
  ::clock_gettime(clock, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

/// The same clock as of the kernel's last tick: behind by one to ten milliseconds at most, and read
/// for a fifth of the cost (CLOCK_MONOTONIC_COARSE of clock_gettime(2)).
[[nodiscard]] inline TimePoint coarse_now() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE); }

/// A deadline that never comes.
inline constexpr TimePoint kNever = TimePoint::max();
/// How long to wait without an end.
inline constexpr Duration kForever = Duration::max();

}  // namespace sluice
