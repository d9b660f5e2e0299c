#pragma once

#include <string>

namespace sluiced::config {

/// A JSON Schema (draft 2020-12) of the configuration file, from the tables that read it. What only
/// the whole file shows, such as a listener that a site names and nobody defines, is not in it.
[[nodiscard]] std::string json_schema();

}  // namespace sluiced::config
