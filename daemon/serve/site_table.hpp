#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "files/root.hpp"
#include "serve/representation_rules.hpp"
#include "serve/route.hpp"

namespace sluiced::serve {

/// What the shards serve from: the configuration, the routes made from it, and the roots of all
/// mounts, open. Made once, then only read; all shards hold the same one.
class SiteTable {
 public:
  struct RootError {
    std::string root;
    std::error_code error;
  };
  /// Opens the roots. Blocks; for the start.
  [[nodiscard]] static std::expected<std::shared_ptr<const SiteTable>, RootError> open(
      config::Config config);

  [[nodiscard]] const config::Config& config() const noexcept { return config_; }
  [[nodiscard]] const Router& router() const noexcept { return router_; }
  [[nodiscard]] const files::Root& root(std::size_t mount_index) const noexcept {
    return roots_[mount_index];
  }
  [[nodiscard]] const RepresentationRules& representations(std::size_t mount_index) const noexcept {
    return representations_[mount_index];
  }

 private:
  explicit SiteTable(config::Config config) : config_(std::move(config)), router_(config_) {}

  config::Config config_;
  Router router_;
  // One for each mount of the router.
  std::vector<files::Root> roots_;
  std::vector<RepresentationRules> representations_;
};

}  // namespace sluiced::serve
