#include "serve/site_table.hpp"

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
    config::Config config) {
  std::shared_ptr<SiteTable> table(new SiteTable(std::move(config)));
  for (const config::Mount* mount : table->router_.mounts()) {
    auto root = files::Root::open(mount->root, policy_of(mount->files.symlinks));
    if (!root) {
      return std::unexpected(RootError{mount->root, root.error()});
    }
    table->roots_.push_back(std::move(*root));
    table->representations_.emplace_back(mount->files);
    table->mounts_.emplace_back(*mount);
  }
  for (const config::Site& site : table->config_.sites) {
    table->sites_.emplace_back(site);
  }
  table->archive_slots_ = std::make_unique<ArchiveSlots>(table->config_.archives.max_concurrent);
  return table;
}

}  // namespace sluiced::serve
