#pragma once

#include <string>

#include "config/config.hpp"
#include "config/source.hpp"

namespace sluiced::config {

/// Reports what the redirects of a site, and the rules of its mounts, say that cannot be meant.
/// `path` is the site's: "sites[0]".
void validate_site_rules(const Site& site, const std::string& path, const Places& places,
                         Problems& problems);

}  // namespace sluiced::config
