#include "serve/site_table.hpp"

#include <algorithm>
#include <utility>

namespace sluiced::serve {
namespace {

sluice::SymlinkPolicy policy_of(config::Symlinks symlinks) noexcept {
  switch (symlinks) {
    case config::Symlinks::kNone:
      return sluice::SymlinkPolicy::none;
    case config::Symlinks::kBeneath:
      return sluice::SymlinkPolicy::beneath;
    case config::Symlinks::kFollow:
      break;
  }
  return sluice::SymlinkPolicy::follow;
}

}  // namespace

std::expected<std::shared_ptr<const SiteTable>, SiteTable::RootError> SiteTable::open(
    config::Config config, const SiteTable* predecessor) {
  std::shared_ptr<SiteTable> table(new SiteTable(std::move(config)));
  if (predecessor != nullptr) {
    table->next_root_id_ = predecessor->next_root_id_;
    table->first_rules_id_ = predecessor->first_rules_id_ + predecessor->mount_count();
  }
  for (const config::Mount* mount : table->router_.mounts()) {
    if (const auto opened = table->open_root(*mount, predecessor); !opened) {
      return std::unexpected(RootError{mount->root, opened.error()});
    }
    table->representations_.emplace_back(mount->files);
    table->mounts_.emplace_back(*mount);
  }
  for (const config::Site& site : table->config_.sites) {
    table->sites_.emplace_back(site);
  }
  const std::uint32_t most_archives = table->config_.archives.max_concurrent;
  table->archive_slots_ = predecessor != nullptr ? std::make_unique<ArchiveSlots>(
                                                       most_archives, *predecessor->archive_slots_)
                                                 : std::make_unique<ArchiveSlots>(most_archives);
  return table;
}

// The directory is opened anew in any case: by its name there may be another one by now.
sluice::Result<void> SiteTable::open_root(const config::Mount& mount,
                                          const SiteTable* predecessor) {
  auto opened = files::Root::open(mount.root, policy_of(mount.files.symlinks));
  if (!opened) {
    return std::unexpected(opened.error());
  }
  const OpenRoot* known = find_root(mount, *opened);
  if (known == nullptr && predecessor != nullptr) {
    known = predecessor->find_root(mount, *opened);
  }
  if (known != nullptr) {
    roots_.push_back(OpenRoot(*known));
  } else {
    roots_.push_back({mount.root, mount.files.symlinks, next_root_id_++,
                      std::make_shared<const files::Root>(std::move(*opened))});
  }
  return {};
}

const SiteTable::OpenRoot* SiteTable::find_root(const config::Mount& mount,
                                                const files::Root& opened) const noexcept {
  const auto found = std::ranges::find_if(roots_, [&](const OpenRoot& root) {
    return root.symlinks == mount.files.symlinks && root.path == mount.root &&
           root.root->is_same_directory(opened);
  });
  return found == roots_.end() ? nullptr : &*found;
}

bool SiteTable::has_root(std::size_t root_id) const noexcept {
  return std::ranges::find(roots_, root_id, &OpenRoot::id) != roots_.end();
}

}  // namespace sluiced::serve
