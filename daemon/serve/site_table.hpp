#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "files/root.hpp"
#include "serve/archive_slots.hpp"
#include "serve/representation_rules.hpp"
#include "serve/route.hpp"
#include "serve/site_rules.hpp"

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
  /// By the index of a site in the configuration.
  [[nodiscard]] const SiteRules& site(std::size_t index) const noexcept { return sites_[index]; }
  [[nodiscard]] const MountRules& mount(std::size_t mount_index) const noexcept {
    return mounts_[mount_index];
  }
  /// The only thing here that changes, and all shards count in it.
  [[nodiscard]] ArchiveSlots& archive_slots() const noexcept { return *archive_slots_; }
  [[nodiscard]] const RepresentationRules& representations(std::size_t mount_index) const noexcept {
    return representations_[mount_index];
  }

 private:
  explicit SiteTable(config::Config config) : config_(std::move(config)), router_(config_) {}

  config::Config config_;
  Router router_;
  std::vector<files::Root> roots_;                    // one for each mount of the router
  std::vector<MountRules> mounts_;                    // likewise
  std::vector<RepresentationRules> representations_;  // likewise
  std::vector<SiteRules> sites_;
  std::unique_ptr<ArchiveSlots> archive_slots_;
};

}  // namespace sluiced::serve
