#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace sluiced::admin {

/// The value that a share `quantile` (from 0 to 1) of what a histogram has counted does not exceed,
/// in the unit of `bounds`; nothing when it has counted nothing. `buckets` are not cumulated, and
/// one more than there are bounds. Within a bucket values are taken to be spread evenly, as by
/// histogram_quantile() of Prometheus; of those beyond the last bound only that is known.
[[nodiscard]] std::optional<double> quantile_of(std::span<const std::uint64_t> bounds,
                                                std::span<const std::uint64_t> buckets,
                                                double quantile);

}  // namespace sluiced::admin
