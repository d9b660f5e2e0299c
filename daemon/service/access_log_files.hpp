#pragma once

#include <expected>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "config/config.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// The target of the access log, opened once for each shard; none where it is off. Blocks.
[[nodiscard]] std::expected<std::vector<sluice::UniqueFd>, StartError> open_access_log_files(
    const config::Config& config, unsigned shard_count);

}  // namespace sluiced::service
