#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/diagnostic.hpp"

namespace sluiced::config {

/// How far to check a configuration.
enum class Check : std::uint8_t {
  kText,                ///< The text alone: the same answer on every machine.
  kTextAndEnvironment,  ///< As well what check_environment() looks up: roots that do not exist.
};

/// The largest configuration file that is read.
constexpr std::size_t kMostFileBytes = std::size_t{1} << 20U;

/// Reads, checks and completes a configuration. On failure everything that is wrong is told at
/// once, in the order of the file, and warnings among it. Reads the whole file before it looks at
/// any of it; a pipe will do. Blocks on the file system.
[[nodiscard]] std::expected<Config, std::vector<Diagnostic>> load_file(
    const std::filesystem::path& path, Check check = Check::kTextAndEnvironment);

/// The same for a text that is in memory; `name` stands for the path in messages.
[[nodiscard]] std::expected<Config, std::vector<Diagnostic>> load_text(std::string text,
                                                                       std::string_view name,
                                                                       Check check = Check::kText);

}  // namespace sluiced::config
