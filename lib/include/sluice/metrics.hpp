#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/clock.hpp>

/// Numbers that one thread writes and any thread may read. A relaxed load and a relaxed store cost
/// what a plain increment costs (no lock prefix); they are correct because each has one writer: the
/// thread of the shard that owns it. Readers may see one update late, never a torn value.
namespace sluice {

/// A number that only grows.
class Counter {
 public:
  /// The writing thread only.
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// Any thread.
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down.
class Gauge {
 public:
  /// The writing thread only.
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// The writing thread only; `n` may be negative.
  void add(std::int64_t n = 1) noexcept { set(value() + n); }
  /// Any thread.
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts gauge up for as long as it lives, so that no early return can leak a count.
class GaugeGuard {
 public:
  /// `gauge` must outlive the guard.
  explicit GaugeGuard(Gauge& gauge) noexcept : gauge_(gauge) { gauge_.add(1); }
  GaugeGuard(const GaugeGuard&) = delete;
  GaugeGuard& operator=(const GaugeGuard&) = delete;
  ~GaugeGuard() { gauge_.add(-1); }

 private:
  Gauge& gauge_;
};

/// A histogram over fixed upper bounds (inclusive, ascending). The bucket of a value is found from
/// its highest bit and then at most a few comparisons. The count is not kept: it is the sum of the
/// buckets, so that the two can never disagree in a scrape.
template <std::size_t kBoundCount, const std::array<std::uint64_t, kBoundCount>& kBounds>
class Histogram {
 public:
  static constexpr std::size_t kBucketCount = kBoundCount + 1;  // the last one has no bound

  /// The upper bounds of the buckets but the last, which has none.
  static constexpr std::span<const std::uint64_t> bounds() noexcept { return kBounds; }

  /// Counts a value, or as many equal ones. The writing thread only.
  void observe(std::uint64_t value, std::uint64_t times = 1) noexcept {
    buckets_[bucket_of(value)].add(times);
    sum_.add(value * times);
  }

  /// How many values fell into the bucket `index` alone (not cumulated).
  [[nodiscard]] std::uint64_t bucket(std::size_t index) const noexcept {
    return buckets_[index].value();
  }
  /// The sum of all values. Any thread.
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_.value(); }
  /// How many values there were. Any thread.
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (const Counter& bucket : buckets_) {
      total += bucket.value();
    }
    return total;
  }

 private:
  // Powers of two from 1 on: the bucket follows from the value alone, without a look at memory.
  static constexpr bool kArePowersOfTwo = [] {
    for (std::size_t index = 0; index < kBoundCount; ++index) {
      if (index >= 64 || kBounds[index] != std::uint64_t{1} << index) {
        return false;
      }
    }
    return true;
  }();

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) noexcept {
    if constexpr (kArePowersOfTwo) {
      const auto bucket = static_cast<std::size_t>(std::bit_width(value - (value != 0 ? 1 : 0)));
      return std::min(bucket, kBoundCount);
    }
    std::size_t bucket = kFirstBucket[static_cast<std::size_t>(std::bit_width(value))];
    while (bucket < kBoundCount && value > kBounds[bucket]) {
      ++bucket;
    }
    return bucket;
  }

  // For each bit width, the first bucket that a value of that width can fall into.
  static constexpr auto kFirstBucket = [] {
    std::array<std::uint8_t, 65> first{};
    for (std::size_t width = 0; width < first.size(); ++width) {
      const std::uint64_t smallest = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
      std::size_t bucket = 0;
      while (bucket < kBoundCount && smallest > kBounds[bucket]) {
        ++bucket;
      }
      first[width] = static_cast<std::uint8_t>(bucket);
    }
    return first;
  }();

  Counter sum_;  // beside the buckets that are hit most: the small ones
  std::array<Counter, kBucketCount> buckets_{};
};

/// Six bounds a decade from 1 microsecond to 70 seconds, in nanoseconds: fine enough for a p99 that
/// is right to a quarter, few enough to export.
inline constexpr auto kLatencyBoundsNs = [] {
  std::array<std::uint64_t, 48> bounds{};
  constexpr std::array<std::uint64_t, 6> kTenths = {10, 15, 20, 30, 50, 70};
  std::uint64_t decade = 100;
  std::size_t index = 0;
  while (index < bounds.size()) {
    for (const std::uint64_t tenths : kTenths) {
      bounds[index++] = tenths * decade;
    }
    decade *= 10;
  }
  return bounds;
}();

/// Powers of two from 1 to 32768: for how many entries a queue held.
inline constexpr auto kDepthBounds = [] {
  std::array<std::uint64_t, 16> bounds{};
  for (std::size_t index = 0; index < bounds.size(); ++index) {
    bounds[index] = std::uint64_t{1} << index;
  }
  return bounds;
}();

/// Durations in nanoseconds, over kLatencyBoundsNs.
using LatencyHistogram = Histogram<kLatencyBoundsNs.size(), kLatencyBoundsNs>;
/// Numbers of entries, over kDepthBounds.
using DepthHistogram = Histogram<kDepthBounds.size(), kDepthBounds>;

/// Counts a duration, or as many equal ones; one below zero (a clock that was set back) counts as
/// zero.
inline void observe(LatencyHistogram& histogram, Duration elapsed,
                    std::uint64_t times = 1) noexcept {
  const auto ns = elapsed.count();
  histogram.observe(ns > 0 ? static_cast<std::uint64_t>(ns) : 0, times);
}

}  // namespace sluice
