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
/// mounts, open. Made once, then only read; all shards hold the same one, and each a new one when
/// the configuration has changed.
class SiteTable {
 public:
  struct RootError {
    std::string root;
    std::error_code error;
  };
  /// Opens the roots. Where `predecessor` has the same directory open, under the same policy, its
  /// root is kept, with what the file cache knows of it. Blocks; for the start and for a reload.
  [[nodiscard]] static std::expected<std::shared_ptr<const SiteTable>, RootError> open(
      config::Config config, const SiteTable* predecessor = nullptr);

  [[nodiscard]] const config::Config& config() const noexcept { return config_; }
  [[nodiscard]] const Router& router() const noexcept { return router_; }
  [[nodiscard]] const files::Root& root(std::size_t mount_index) const noexcept {
    return *roots_[mount_index].root;
  }
  /// What the file cache knows the root by: never that of another one in the life of the process.
  [[nodiscard]] std::size_t root_id(std::size_t mount_index) const noexcept {
    return roots_[mount_index].id;
  }
  /// What the rules of a mount are known by: never those of another one in the life of the process.
  [[nodiscard]] std::uint64_t rules_id(std::size_t mount_index) const noexcept {
    return first_rules_id_ + mount_index;
  }
  [[nodiscard]] std::size_t mount_count() const noexcept { return roots_.size(); }
  [[nodiscard]] bool has_root(std::size_t root_id) const noexcept;
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

  struct OpenRoot {
    std::string path;
    config::Symlinks symlinks;
    std::size_t id;
    std::shared_ptr<const files::Root> root;
  };
  [[nodiscard]] sluice::Result<void> open_root(const config::Mount& mount,
                                               const SiteTable* predecessor);
  [[nodiscard]] const OpenRoot* find_root(const config::Mount& mount,
                                          const files::Root& opened) const noexcept;

  config::Config config_;
  Router router_;
  std::size_t next_root_id_ = 0;
  std::uint64_t first_rules_id_ = 1;
  std::vector<OpenRoot> roots_;                       // one for each mount of the router
  std::vector<MountRules> mounts_;                    // likewise
  std::vector<RepresentationRules> representations_;  // likewise
  std::vector<SiteRules> sites_;
  std::unique_ptr<ArchiveSlots> archive_slots_;
};

}  // namespace sluiced::serve
