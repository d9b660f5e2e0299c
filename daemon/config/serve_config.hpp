#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <vector>

#include "config/address.hpp"
#include "config/config.hpp"
#include "config/diagnostic.hpp"

namespace sluiced::config {

/// What the command line can say when there is no file.
struct ServeOptions {
  std::filesystem::path directory = ".";
  ListenAddress listen = loopback_address(8080);
  bool listing = false;
  /// The admin listener, or nothing.
  std::optional<ListenAddress> admin = loopback_address(9180);

  friend bool operator==(const ServeOptions&, const ServeOptions&) = default;
};

/// The configuration that `sluiced serve` stands for: the listener "web", and the site "_default"
/// with the directory mounted at "/"; everything else has its default. The directory is made
/// absolute and checked as check_environment() does it.
[[nodiscard]] std::expected<Config, std::vector<Diagnostic>> serve_config(
    const ServeOptions& options);

}  // namespace sluiced::config
