#include <sluice/tick_clock.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sluice {
namespace {

// For so long ticks alone tell the time, and from so far apart their rate is measured.
constexpr Duration kPeriod = std::chrono::milliseconds(1);
// A reading between two counts of ticks that are further apart was interrupted. A rate that is
// measured from two that were not is wrong by 0.15 % at most, at 3 GHz.
constexpr std::uint64_t kMostTicksOfReading = 2048;
// Rates that differ by more (a part of so many) are not two measurements of one rate.
constexpr double kAgreement = 1.0 / 4096;
// The clock is slow by this part, which is more than the kernel's own clock is ever steered by
// (500 parts in a million, adjtimex(2)), so that it is behind and not ahead when that changes.
constexpr double kSlowness = 1.0 / 2048;

[[maybe_unused]] bool kernel_counts_ticks() noexcept {
  const int file = ::open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                          O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return false;
  }
  std::array<char, 16> name{};
  const ssize_t length = ::read(file, name.data(), name.size());
  ::close(file);
  return length > 0 && std::string_view(name.data(), static_cast<std::size_t>(length)) == "tsc\n";
}

}  // namespace

bool TickClock::is_usable() noexcept {
#if defined(__x86_64__)
  constexpr unsigned kPowerManagement = 0x80000007;
  constexpr unsigned kInvariant = 1U << 8;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(kPowerManagement, &a, &b, &c, &d) != 0 && (d & kInvariant) != 0 &&
         kernel_counts_ticks();
#else
  return false;
#endif
}

TimePoint TickClock::read_kernel() noexcept {
  const std::uint64_t before = read_ticks();
  const TimePoint time = read_clock(CLOCK_MONOTONIC);
  if (!is_used_) {
    return time;
  }
  // The later count, so that the time is not ahead of it.
  const std::uint64_t ticks = read_ticks();
  if (ticks - before > kMostTicksOfReading) {
    return std::max(time, time_after(valid_ticks_));
  }
  return anchor(ticks, time);
}

TimePoint TickClock::anchor(std::uint64_t ticks, TimePoint time) noexcept {
  // More than it can have said: it is asked for an anchor only where the last one does not reach.
  const TimePoint said = time_after(valid_ticks_);
  const Duration elapsed = time - anchor_time_;
  if (anchor_ticks_ != 0 && elapsed < kPeriod && elapsed >= Duration::zero()) {
    return std::max(time, said);  // too close to measure the rate by
  }
  const double rate = static_cast<double>(elapsed.count()) /
                      static_cast<double>(static_cast<std::int64_t>(ticks - anchor_ticks_));
  const double scaled = rate * (1 - kSlowness) * static_cast<double>(std::uint64_t{1} << kShift);
  const double known = multiplier_;
  const bool agrees = std::abs(scaled - known) <= known * kAgreement;
  const bool fits = scaled >= 1 && scaled <= std::numeric_limits<std::uint32_t>::max();
  // One measurement is not believed; the next one has to say the same.
  multiplier_ = fits && anchor_ticks_ != 0 ? static_cast<std::uint32_t>(scaled) : 0;
  valid_ticks_ = fits && agrees
                     ? static_cast<std::uint32_t>(
                           std::min(static_cast<double>(kPeriod.count()) / rate,
                                    static_cast<double>(std::numeric_limits<std::uint32_t>::max())))
                     : 0;
  anchor_ticks_ = ticks;
  anchor_time_ = std::max(time, said);
  return anchor_time_;
}

}  // namespace sluice
