#pragma once

#include <cstddef>
#include <span>

#include "admin/family_list.hpp"
#include "admin/metrics_page.hpp"

namespace sluiced::admin {

/// The families sluice_*: rings and executors. Depths and counts by shard, so that a shard that
/// lags behind shows; histograms and errors summed over shards, to keep the page small.
void append_runtime_families(std::span<const ShardSource> shards, FamilyList& families);

/// How many series they are at most.
[[nodiscard]] std::size_t max_runtime_series(std::size_t shard_count) noexcept;

}  // namespace sluiced::admin
