#pragma once

#include <cstdint>

#include "config/config.hpp"

namespace sluiced::config {

/// How many shards to start: `runtime.workers`, or for `auto` one per CPU in the affinity mask of
/// the calling thread, which is what a container or `taskset` leaves of the machine. At least 1.
[[nodiscard]] std::uint32_t worker_count(const Runtime& runtime);

}  // namespace sluiced::config
