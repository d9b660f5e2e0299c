// How large the rings of a configuration are made.
#pragma once

#include <cstddef>
#include <vector>

#include <sluice/kernel_ring.hpp>

#include "config/config.hpp"

namespace sluiced::service {

/// Of the thread that takes signals and serves the admin listener.
inline constexpr unsigned kControlRingEntries = 256;

/// The share of a shard in the connections that the listeners may have, rounded up.
[[nodiscard]] std::size_t connections_per_shard(const std::vector<config::Listener>& listeners,
                                                unsigned shard_count) noexcept;

/// Of the ring of each shard.
[[nodiscard]] sluice::RingOptions ring_options(const config::Config& config,
                                               unsigned shard_count) noexcept;
/// Of the ring beside them.
[[nodiscard]] sluice::RingOptions control_ring_options() noexcept;

/// How many connections a ring of this size is enough for.
[[nodiscard]] std::size_t connections_of(unsigned completion_entries) noexcept;

}  // namespace sluiced::service
