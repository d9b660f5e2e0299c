#include "admin/quantile.hpp"

#include <cstddef>
#include <numeric>

namespace sluiced::admin {

std::optional<double> quantile_of(std::span<const std::uint64_t> bounds,
                                  std::span<const std::uint64_t> buckets, double quantile) {
  const auto count = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  if (count == 0) {
    return std::nullopt;
  }
  const double rank = quantile * static_cast<double>(count);
  double below = 0;  // counted in the buckets before
  for (std::size_t index = 0; index < bounds.size(); ++index) {
    const auto in_bucket = static_cast<double>(buckets[index]);
    if (in_bucket > 0 && below + in_bucket >= rank) {
      const double begin = index == 0 ? 0 : static_cast<double>(bounds[index - 1]);
      const double width = static_cast<double>(bounds[index]) - begin;
      return begin + width * (rank - below) / in_bucket;
    }
    below += in_bucket;
  }
  return static_cast<double>(bounds.back());
}

}  // namespace sluiced::admin
