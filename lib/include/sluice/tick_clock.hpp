#pragma once

#include <cstdint>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>

namespace sluice {

/// CLOCK_MONOTONIC for a third of what clock_gettime(2) costs, where the kernel itself counts the
/// processor's ticks: every millisecond it is read in earnest, and in between the ticks since then
/// tell the time.
///
/// Never goes backwards, and is within kMostApart of what clock_gettime(2) says: behind it, as a
/// rule, so that nothing that waits for a moment comes too early. (When a virtual machine moves to
/// another host, whose ticks are other ones, it may be wrong by a millisecond, once.) Where ticks
/// cannot be relied on it is clock_gettime(2).
///
/// Belongs to one thread.
class SLUICE_API TickClock {
 public:
  /// The most that it differs from CLOCK_MONOTONIC.
  static constexpr Duration kMostApart{2000};

  /// Whether ticks can be relied on: they come at one rate in all states of all processors
  /// (CPUID, invariant TSC), and the kernel has chosen them for its clock. Reads a file of
  /// /sys/devices/system/clocksource; where that is not allowed, they cannot. Rings ask once in a
  /// process: a kernel that gives its choice up later is not noticed.
  [[nodiscard]] static bool is_usable() noexcept;

  /// The time now. Of a clock that is not usable: clock_gettime(2).
  [[nodiscard]] TimePoint now() noexcept {
    const std::uint64_t elapsed = read_ticks() - anchor_ticks_;
    if (elapsed < valid_ticks_) [[likely]] {
      return time_after(elapsed);
    }
    return read_kernel();
  }

  /// Begins to use ticks: is_usable() has said so.
  void use_ticks() noexcept { is_used_ = true; }

  // The clock without its two sources, for its tests.

  /// Whether ticks alone tell the time at that moment.
  [[nodiscard]] bool covers(std::uint64_t ticks) const noexcept {
    return ticks - anchor_ticks_ < valid_ticks_;
  }
  /// The time then, if it is covered.
  [[nodiscard]] TimePoint at(std::uint64_t ticks) const noexcept {
    return time_after(ticks - anchor_ticks_);
  }
  /// Learns that it was `time` not later than when there were so many ticks, and returns what the
  /// clock says then: that, or the last time that it may have said.
  TimePoint anchor(std::uint64_t ticks, TimePoint time) noexcept;

 private:
  // As many bits of a nanosecond are counted for a tick.
  static constexpr unsigned kShift = 31;

  [[nodiscard]] static std::uint64_t read_ticks() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
  }
  [[nodiscard]] TimePoint time_after(std::uint64_t elapsed) const noexcept {
    return anchor_time_ + Duration(static_cast<std::int64_t>((elapsed * multiplier_) >> kShift));
  }
  [[nodiscard]] TimePoint read_kernel() noexcept;

  std::uint64_t anchor_ticks_ = 0;
  TimePoint anchor_time_{};
  std::uint32_t multiplier_ = 0;   // nanoseconds for a tick, shifted; 0: not known
  std::uint32_t valid_ticks_ = 0;  // for so long after the anchor; 0: not at all
  bool is_used_ = false;
};

}  // namespace sluice
