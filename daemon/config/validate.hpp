#pragma once

#include <vector>

#include "config/config.hpp"
#include "config/source.hpp"

namespace sluiced::config {

/// Reports what no single value shows: names used twice or not defined, addresses and hosts that
/// collide. Values without a place are passed over, since they were not given or have been reported
/// already.
void validate(const Config& config, const Places& places, Problems& problems);

/// Fills in what is derived from the rest: a site without listeners is reached through all.
void complete(Config& config);

/// What the text alone cannot tell, looked up in the running system: whether every root is there,
/// is a directory and may be entered (and listed, where it is to be). What is merely unwise comes
/// as a warning. Roots are checked with the rights of this process.
[[nodiscard]] std::vector<Diagnostic> check_environment(const Config& config);
void check_environment(const Config& config, const Places& places, Problems& problems);

}  // namespace sluiced::config
