#include "serve/site_table.hpp"

namespace sluiced::serve {

std::expected<std::shared_ptr<const SiteTable>, SiteTable::RootError> SiteTable::open(
    config::Config config) {
  std::shared_ptr<SiteTable> table(new SiteTable(std::move(config)));
  for (const config::Mount* mount : table->router_.mounts()) {
    const auto symlinks = mount->files.symlinks == config::Symlinks::kNone
                              ? sluice::SymlinkPolicy::none
                              : sluice::SymlinkPolicy::beneath;
    auto root = files::Root::open(mount->root, symlinks);
    if (!root) {
      return std::unexpected(RootError{mount->root, root.error()});
    }
    table->roots_.push_back(std::move(*root));
    table->representations_.emplace_back(mount->files);
  }
  return table;
}

}  // namespace sluiced::serve
