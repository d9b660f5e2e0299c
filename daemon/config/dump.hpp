#pragma once

#include <string>

#include "config/config.hpp"
#include "config/yaml_document.hpp"

namespace sluiced::config {

/// The tree of a document as a text that parse_yaml() reads as the same tree, places apart.
[[nodiscard]] std::string to_yaml(const YamlNode& document);

/// A configuration with every option that has a value, defaults and all that is inherited filled
/// in. Loading it gives the same configuration.
[[nodiscard]] std::string dump(const Config& config);

}  // namespace sluiced::config
