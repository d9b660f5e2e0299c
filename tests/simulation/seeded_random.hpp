#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::testing {

/// Numbers that look random and follow from a seed alone, on every machine and with every standard
/// library (the distributions of <random> differ between libraries). The generator is SplitMix64.
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }
  /// A number from 0 to limit - 1; limit is at least 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  /// A number from `first` to `last`, both included.
  [[nodiscard]] std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
    return first + below(last - first + 1);
  }
  /// True with the given probability, from 0 to 1.
  [[nodiscard]] bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::testing
