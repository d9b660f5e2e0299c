#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

// Latencies by size: 64 classes for each power of two, so a percentile is off by less than 2 %, and
// what is kept does not grow with the run.
class Latencies {
 public:
  void add(std::uint64_t ns) {
    ++counts_[class_of(ns)];
    ++count_;
    longest_ns_ = ns > longest_ns_ ? ns : longest_ns_;
  }

  /// The latency that this share of all, from 0 to 1, stays at or below; 0 when there is none.
  [[nodiscard]] std::uint64_t percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > wanted) {
        const std::uint64_t bound = last_of(index);
        return bound < longest_ns_ ? bound : longest_ns_;
      }
    }
    return longest_ns_;
  }

  [[nodiscard]] std::uint64_t longest_ns() const { return longest_ns_; }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::uint64_t kClasses = 1U << kBits;

  static std::size_t class_of(std::uint64_t ns) {
    if (ns < kClasses) {
      return ns;
    }
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - kBits - 1;
    return (shift + 1) * kClasses + ((ns >> shift) - kClasses);
  }

  /// The largest latency of a class.
  static std::uint64_t last_of(std::size_t index) {
    if (index < kClasses) {
      return index;
    }
    const std::size_t shift = index / kClasses - 1;
    return ((index % kClasses + kClasses + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kClasses> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t longest_ns_ = 0;
};
