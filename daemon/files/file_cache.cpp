#include "files/file_cache.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <sluice/operations.hpp>
#include <sluice/timer.hpp>

namespace sluiced::files {
namespace {

using namespace std::chrono_literals;

// How old a look at a watched file may be: bounds what inotify cannot see.
constexpr sluice::Duration kWatchedAge = 1s;
// While nobody asks, changes are looked at no more often than this, however many there are.
constexpr sluice::Duration kPauseBetweenChanges = 100ms;

// File systems all of whose changes pass this kernel; on others somebody else may write, and
// inotify does not tell. An overlay tells of what is changed through it.
bool tells_of_changes(int fd) noexcept {
  constexpr long kXfs = 0x58465342;
  constexpr long kZfs = 0x2fc12fc1;
  constexpr long kBcachefs = 0xca451a4e;
  constexpr std::array<long, 12> kLocal = {EXT4_SUPER_MAGIC,
                                           BTRFS_SUPER_MAGIC,
                                           TMPFS_MAGIC,
                                           F2FS_SUPER_MAGIC,
                                           RAMFS_MAGIC,
                                           OVERLAYFS_SUPER_MAGIC,
                                           SQUASHFS_MAGIC,
                                           EROFS_SUPER_MAGIC_V1,
                                           ISOFS_SUPER_MAGIC,
                                           kXfs,
                                           kZfs,
                                           kBcachefs};
  struct statfs found{};
  return ::fstatfs(fd, &found) == 0 && std::ranges::find(kLocal, found.f_type) != kLocal.end();
}

bool is_same_file(const sluice::FileStatus& left, const sluice::FileStatus& right) noexcept {
  return left.inode == right.inode && left.device == right.device;
}

std::size_t hash_of(std::size_t root_index, std::string_view path) noexcept {
  return std::hash<std::string_view>{}(path) + root_index;
}

}  // namespace

class FileCache::Entry final : public sluice::detail::ListNode, public ChangeWatch::Subject {
 public:
  Entry(FileCache& owner, const Key& key)
      : root_index(key.root_index), path(key.path), cache_(owner) {}

  const std::size_t root_index;
  const std::string path;
  SharedFile file;
  sluice::TimePoint looked_at;
  bool is_watched = false;
  std::uint8_t absent_siblings = 0;

 private:
  void on_sibling_change() noexcept override { absent_siblings = 0; }
  void on_change() noexcept override {
    cache_.metrics_.invalidations.add();
    cache_.drop(*this);
  }
  FileCache& cache_;
};

std::size_t FileCache::Hash::operator()(const Key& key) const noexcept {
  return hash_of(key.root_index, key.path);
}
std::size_t FileCache::Hash::operator()(const std::unique_ptr<Entry>& entry) const noexcept {
  return hash_of(entry->root_index, entry->path);
}
bool FileCache::Equal::operator()(const Key& left,
                                  const std::unique_ptr<Entry>& right) const noexcept {
  return left.root_index == right->root_index && left.path == right->path;
}
bool FileCache::Equal::operator()(const std::unique_ptr<Entry>& left,
                                  const std::unique_ptr<Entry>& right) const noexcept {
  return left == right;
}

FileCache::FileCache(sluice::Executor& executor, const FileCacheOptions& options,
                     observe::FileCacheMetrics& metrics)
    : executor_(executor), options_(options), metrics_(metrics) {
  if (options_.max_files > 0) {
    changes_ = ChangeWatch::create();
  }
}

FileCache::~FileCache() = default;

sluice::Result<SharedFile> FileCache::try_open(const Root& root, std::size_t root_index,
                                               const char* path) {
  const Key key{root_index, path};
  take_changes_in();
  const auto found = entries_.find(key);
  Entry* kept = found != entries_.end() ? found->get() : nullptr;
  if (kept != nullptr && is_fresh(*kept)) {
    metrics_.hits.add();
    kept->unlink();
    by_use_.push_back(*kept);
    return kept->file;
  }
  (kept != nullptr ? metrics_.stale : metrics_.misses).add();
  auto opened = root.try_open_file(executor_.reactor(), path);
  if (!opened) {
    if (kept != nullptr) {
      drop(*kept);
    }
    return std::unexpected(opened.error());
  }
  if (kept != nullptr) {
    refresh(*kept, *opened);
  } else if (options_.max_files > 0 &&
             (*opened)->status.type == sluice::FileStatus::Type::regular && is_wanted_again(key)) {
    return admit(root, key, std::move(*opened));
  }
  return opened;
}

std::uint8_t FileCache::absent_siblings(std::size_t root_index,
                                        std::string_view path) const noexcept {
  const auto found = entries_.find(Key{root_index, path});
  return found != entries_.end() ? (*found)->absent_siblings : std::uint8_t{0};
}

void FileCache::note_absent_siblings(std::size_t root_index, std::string_view path,
                                     std::uint8_t siblings) noexcept {
  if (const auto found = entries_.find(Key{root_index, path}); found != entries_.end()) {
    (*found)->absent_siblings |= siblings;
  }
}

void FileCache::take_changes_in() {
  const std::uint64_t turn = executor_.metrics().turns.value();
  if (changes_ && turn != changes_taken_in_turn_ && !entries_.empty()) {
    changes_->tell();
    changes_taken_in_turn_ = turn;
  }
}

bool FileCache::is_fresh(const Entry& entry) const noexcept {
  return executor_.now() - entry.looked_at <
         (entry.is_watched ? kWatchedAge : options_.unwatched_age);
}

bool FileCache::is_wanted_again(const Key& key) noexcept {
  const std::size_t hash = Hash{}(key);
  return std::exchange(asked_lately_[hash % asked_lately_.size()], hash) == hash;
}

bool FileCache::is_watchable(const OpenFile& opened) {
  const auto known = watchable_devices_.find(opened.status.device);
  return known != watchable_devices_.end()
             ? known->second
             : (watchable_devices_[opened.status.device] = tells_of_changes(opened.file.fd()));
}

// Keeps the file that is open, or, watched, what its name leads to now: somebody may have changed
// that since it was opened. Answers with what the request is to be served from.
SharedFile FileCache::admit(const Root& root, const Key& key, SharedFile opened) {
  auto entry = std::make_unique<Entry>(*this, key);
  entry->looked_at = executor_.now();
  if (changes_ && is_watchable(*opened)) {
    auto fd = changes_->open(*entry, executor_.reactor(), root, key.root_index, key.path);
    if (!fd) {
      return opened;
    }
    auto examined = Root::examine(std::move(*fd));
    if (!examined || !is_same_file((*examined)->status, opened->status)) {
      changes_->forget(*entry);
      return opened;
    }
    entry->is_watched = true;
    opened = std::move(*examined);
  } else if (options_.unwatched_age <= sluice::Duration::zero()) {
    return opened;
  }
  entry->file = opened;
  make_room();
  by_use_.push_back(*entry);
  entries_.insert(std::move(entry));
  metrics_.entries.set(static_cast<std::int64_t>(entries_.size()));
  return opened;
}

// The name leads to what it led to, or the entry goes: its watches are those of another file.
void FileCache::refresh(Entry& entry, SharedFile opened) {
  if (!is_same_file(entry.file->status, opened->status)) {
    drop(entry);
    return;
  }
  entry.file = std::move(opened);
  entry.looked_at = executor_.now();
  entry.absent_siblings = 0;
  entry.unlink();
  by_use_.push_back(entry);
}

void FileCache::make_room() {
  while (entries_.size() >= options_.max_files) {
    Entry* oldest = by_use_.pop_front();
    metrics_.evictions.add();
    drop(*oldest);
  }
}

void FileCache::drop(Entry& entry) noexcept {
  if (changes_) {
    changes_->forget(entry);
  }
  entries_.erase(entries_.find(Key{entry.root_index, entry.path}));
  metrics_.entries.set(static_cast<std::int64_t>(entries_.size()));
}

void FileCache::drop_root(std::size_t root_index) noexcept {
  for (auto next = entries_.begin(); next != entries_.end();) {
    Entry& entry = **next++;
    if (entry.root_index == root_index) {
      drop(entry);
    }
  }
}

sluice::Task<void> FileCache::follow_changes() {
  if (!changes_) {
    co_return;
  }
  constexpr short kReadable = 1;  // POLLIN
  while (true) {
    const auto readable =
        co_await sluice::Operation(sluice::PollRequest(changes_->fd(), kReadable));
    if (!readable) {
      co_return;
    }
    changes_->tell();
    const auto paused = co_await sluice::sleep_for(kPauseBetweenChanges);
    if (!paused) {
      co_return;
    }
  }
}

}  // namespace sluiced::files
