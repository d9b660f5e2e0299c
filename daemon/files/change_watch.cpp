#include "files/change_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace sluiced::files {
namespace {

// Of a directory: its entries come, go or are replaced, permissions change, it goes itself. A new
// name is of interest only as that of a sibling: nothing else is watched that was not there.
constexpr std::uint32_t kDirectoryMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                         IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kFileMask = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

sluice::Result<void> as_failure(const sluice::Result<sluice::UniqueFd>& fd) {
  return std::unexpected(fd.error());
}

}  // namespace

struct ChangeWatch::Directory {
  Directory* parent = nullptr;
  std::size_t root_index = 0;
  std::string name;
  int watch = -1;
  std::map<std::string, std::unique_ptr<Directory>, std::less<>> directories;
  std::map<std::string, Subject*, std::less<>> files;
};

std::unique_ptr<ChangeWatch> ChangeWatch::create() {
  auto inotify = Inotify::create();
  if (!inotify) {
    return nullptr;
  }
  return std::unique_ptr<ChangeWatch>(new ChangeWatch(std::move(*inotify)));
}

ChangeWatch::ChangeWatch(Inotify inotify) noexcept : inotify_(std::move(inotify)) {}
ChangeWatch::~ChangeWatch() = default;

sluice::Result<sluice::UniqueFd> ChangeWatch::open(Subject& subject, sluice::Reactor& reactor,
                                                   const Root& root, std::size_t root_index,
                                                   std::string_view path) {
  // From the top down, each directory before what is in it is looked up: whatever is put in its
  // place later is put there before the eyes of the watch.
  auto reached = watch_directory(nullptr, "", reactor, root, root_index, ".");
  std::size_t begin = 0;
  std::size_t slash = 0;
  while (reached && (slash = path.find('/', begin)) != std::string_view::npos) {
    reached = watch_directory(*reached, path.substr(begin, slash - begin), reactor, root,
                              root_index, std::string(path.substr(0, slash)));
    begin = slash + 1;
  }
  if (!reached) {
    return std::unexpected(reached.error());
  }
  Directory* directory = *reached;
  const std::string name(path.substr(begin));
  if (name.empty() || directory->files.contains(name)) {
    release_if_empty(directory);
    return sluice::failure(EEXIST);
  }
  auto fd = root.try_open(reactor, path.data(), O_RDONLY, sluice::SymlinkPolicy::none);
  const auto watched =
      fd ? add_watch(fd->get(), kFileMask, subject.watch_, {nullptr, &subject}) : as_failure(fd);
  if (!watched) {
    release_if_empty(directory);
    return std::unexpected(watched.error());
  }
  subject.directory_ = directory;
  subject.name_ = name;
  directory->files.emplace(name, &subject);
  return fd;
}

sluice::Result<ChangeWatch::Directory*> ChangeWatch::watch_directory(
    Directory* parent, std::string_view name, sluice::Reactor& reactor, const Root& root,
    std::size_t root_index, const std::string& path) {
  if (parent == nullptr) {
    if (const auto found = roots_.find(root_index); found != roots_.end()) {
      return found->second.get();
    }
  } else if (const auto found = parent->directories.find(name);
             found != parent->directories.end()) {
    return found->second.get();
  }
  auto made = std::make_unique<Directory>();
  made->parent = parent;
  made->root_index = root_index;
  made->name = name;
  const auto fd =
      root.try_open(reactor, path.c_str(), O_PATH | O_DIRECTORY, sluice::SymlinkPolicy::none);
  const auto watched = fd ? add_watch(fd->get(), kDirectoryMask, made->watch, {made.get(), nullptr})
                          : as_failure(fd);
  if (!watched) {
    release_if_empty(parent);
    return std::unexpected(watched.error());
  }
  Directory* directory = made.get();
  if (parent == nullptr) {
    roots_.emplace(root_index, std::move(made));
  } else {
    parent->directories.emplace(std::string(name), std::move(made));
  }
  return directory;
}

sluice::Result<void> ChangeWatch::add_watch(int fd, std::uint32_t mask, int& watch, Owner owner) {
  const auto added = inotify_.watch(fd, mask);
  if (!added) {
    return std::unexpected(added.error());
  }
  watch = *added;
  owners_.emplace(watch, owner);
  return {};
}

void ChangeWatch::remove_watch(int watch, const Owner& owner) noexcept {
  const auto [first, last] = owners_.equal_range(watch);
  const auto mine = std::find_if(first, last, [&owner](const Owners::value_type& entry) {
    return entry.second.directory == owner.directory && entry.second.subject == owner.subject;
  });
  if (mine != last) {
    owners_.erase(mine);
  }
  if (!owners_.contains(watch)) {
    inotify_.unwatch(watch);  // answers EINVAL where the kernel has done so by itself
  }
}

void ChangeWatch::forget(Subject& subject) noexcept {
  Directory* directory = std::exchange(subject.directory_, nullptr);
  if (directory == nullptr) {
    return;
  }
  remove_watch(subject.watch_, {nullptr, &subject});
  directory->files.erase(subject.name_);
  release_if_empty(directory);
}

void ChangeWatch::release_if_empty(Directory* directory) noexcept {
  while (directory != nullptr && directory->files.empty() && directory->directories.empty()) {
    Directory* parent = directory->parent;
    remove_watch(directory->watch, {directory, nullptr});
    if (parent == nullptr) {
      roots_.erase(directory->root_index);
    } else {
      parent->directories.erase(parent->directories.find(directory->name));
    }
    directory = parent;
  }
}

bool ChangeWatch::tell() {
  lost_events_ = false;
  std::vector<Subject*> changed;
  inotify_.drain([this, &changed](const Inotify::Event& event) { handle(event, changed); });
  std::ranges::sort(changed);
  const auto repeated = std::ranges::unique(changed);
  changed.erase(repeated.begin(), repeated.end());
  for (Subject* subject : changed) {
    forget(*subject);
    subject->on_change();
  }
  return !lost_events_;
}

void ChangeWatch::handle(const Inotify::Event& event, std::vector<Subject*>& changed) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    lost_events_ = true;
    for (const auto& [index, root] : roots_) {
      collect(*root, changed);
    }
    return;
  }
  const auto [first, last] = owners_.equal_range(event.watch);
  for (auto owner = first; owner != last; ++owner) {
    const auto& [directory, subject] = owner->second;
    if (subject != nullptr) {
      changed.push_back(subject);
    } else if (event.name.empty()) {
      collect(*directory, changed);
    } else {
      if (const auto file = directory->files.find(event.name); file != directory->files.end()) {
        changed.push_back(file->second);
      }
      const std::string_view original = event.name.substr(0, event.name.rfind('.'));
      if (const auto file = directory->files.find(original);
          file != directory->files.end() && original != event.name) {
        file->second->on_sibling_change();
      }
      if (const auto below = directory->directories.find(event.name);
          below != directory->directories.end()) {
        collect(*below->second, changed);
      }
    }
  }
}

void ChangeWatch::collect(const Directory& directory, std::vector<Subject*>& changed) {
  for (const auto& [name, subject] : directory.files) {
    changed.push_back(subject);
  }
  for (const auto& [name, below] : directory.directories) {
    collect(*below, changed);
  }
}

}  // namespace sluiced::files
