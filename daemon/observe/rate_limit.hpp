#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace sluiced::log {

/// Lets one message through per interval, so that a client cannot fill the log by repeating a
/// mistake. One object per kind of message, shared by all shards; no lock is taken.
///
///     if (const auto silenced = malformed_.admit(now)) {
///       logger.warn(fmt::format("malformed request ({} more since the last)", *silenced));
///     }
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit constexpr RateLimit(Clock::duration interval = std::chrono::seconds(1)) noexcept
      : interval_(interval) {}

  /// The number of messages held back since the last one, if another may be written now.
  [[nodiscard]] std::optional<std::uint64_t> admit(Clock::time_point now) noexcept {
    Clock::rep next = next_.load(std::memory_order_relaxed);
    const Clock::rep time = now.time_since_epoch().count();
    if (time < next ||
        !next_.compare_exchange_strong(next, time + interval_.count(), std::memory_order_relaxed)) {
      held_back_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    return held_back_.exchange(0, std::memory_order_relaxed);
  }

 private:
  const Clock::duration interval_;
  std::atomic<Clock::rep> next_{std::numeric_limits<Clock::rep>::min()};
  std::atomic<std::uint64_t> held_back_{0};
};

}  // namespace sluiced::log
