#pragma once

#include <cstddef>
#include <span>

#include "admin/family_list.hpp"
#include "admin/metrics_page.hpp"

namespace sluiced::admin {

/// The families sluiced_connections* and sluiced_http_*, summed over the shards that serve.
void append_server_families(std::span<const ShardSource> shards, FamilyList& families);

/// How many series they are at most, whatever clients ask for.
[[nodiscard]] std::size_t max_server_series() noexcept;

}  // namespace sluiced::admin
