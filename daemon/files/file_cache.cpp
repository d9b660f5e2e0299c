#include "files/file_cache.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <sluice/operations.hpp>
#include <sluice/timer.hpp>

#include "files/file_system.hpp"

namespace sluiced::files {
namespace {

using namespace std::chrono_literals;

// How old a look at a watched file may be: bounds what inotify cannot see.
constexpr sluice::Duration kWatchedAge = 1s;
// While nobody asks, changes are looked at no more often than this, however many there are.
constexpr sluice::Duration kPauseBetweenChanges = 100ms;

bool is_same_file(const sluice::FileStatus& left, const sluice::FileStatus& right) noexcept {
  return left.inode == right.inode && left.device == right.device;
}

bool is_out_of_watches(const std::error_code& error) noexcept {
  return error == std::errc::no_space_on_device || error == std::errc::not_enough_memory;
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
    : executor_(executor),
      options_(options),
      metrics_(metrics),
      remote_opens_(executor, metrics.opens, ColdReads::places_for_opens()),
      responses_(kWatchedAge) {
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

sluice::Task<sluice::Result<SharedFile>> FileCache::open(const Root& root, std::size_t root_index,
                                                         const char* path) {
  if (!root.is_remote()) {
    co_return co_await root.open_file(path);
  }
  sluice::Result<SharedFile> opened;
  {
    const auto place =
        co_await remote_opens_.enter(root.device(), true, ColdReads::Beginning::operation);
    if (!place) {
      co_return std::unexpected(place.error());
    }
    opened = co_await root.open_file(path);
  }
  const Key key{root_index, path};
  if (opened && options_.max_files > 0 && options_.unwatched_age > sluice::Duration::zero() &&
      (*opened)->status.type == sluice::FileStatus::Type::regular && is_wanted_again(key) &&
      !entries_.contains(key)) {
    keep(std::make_unique<Entry>(*this, key), *opened);
  }
  co_return opened;
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
    tell_changes();
    changes_taken_in_turn_ = turn;
  }
}

void FileCache::tell_changes() {
  if (!changes_->tell()) {
    metrics_.events_lost.add();
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
  return known != watchable_devices_.end() ? known->second
                                           : (watchable_devices_[opened.status.device] =
                                                  is_on_local_file_system(opened.file.fd()));
}

// Keeps the file that is open, or, watched, what its name leads to now: somebody may have changed
// that since it was opened. Answers with what the request is to be served from.
SharedFile FileCache::admit(const Root& root, const Key& key, SharedFile opened) {
  auto entry = std::make_unique<Entry>(*this, key);
  if (changes_ && is_watchable(*opened)) {
    auto fd = changes_->open(*entry, executor_.reactor(), root, key.root_index, key.path);
    if (!fd && !is_out_of_watches(fd.error())) {
      return opened;
    }
    if (fd) {
      auto examined = Root::examine(std::move(*fd));
      if (!examined || !is_same_file((*examined)->status, opened->status)) {
        changes_->forget(*entry);
        return opened;
      }
      entry->is_watched = true;
      opened = std::move(*examined);
    } else {
      metrics_.not_watched.add();
    }
  }
  if (!entry->is_watched && options_.unwatched_age <= sluice::Duration::zero()) {
    return opened;
  }
  keep(std::move(entry), opened);
  return opened;
}

void FileCache::keep(std::unique_ptr<Entry> entry, SharedFile file) {
  set_file(*entry, std::move(file));
  make_room();
  by_use_.push_back(*entry);
  entries_.insert(std::move(entry));
  metrics_.entries.set(static_cast<std::int64_t>(entries_.size()));
}

// The name leads to what it led to, or the entry goes: its watches are those of another file.
void FileCache::refresh(Entry& entry, SharedFile opened) {
  if (!is_same_file(entry.file->status, opened->status)) {
    drop(entry);
    return;
  }
  set_file(entry, std::move(opened));
  entry.absent_siblings = 0;
  entry.unlink();
  by_use_.push_back(entry);
}

// A write to the file is told of, so that a copy of its contents is as true as its length; but not
// one through a mapping or by io_submit(2), which shows when the file is looked at again.
void FileCache::set_file(Entry& entry, SharedFile file) {
  if (entry.is_watched && file->status.size_bytes <= KeptResponses::kLargestFileBytes) {
    file->response = std::make_unique<KeptResponse>(responses_);
  }
  entry.file = std::move(file);
  entry.looked_at = executor_.now();
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

void FileCache::clear() noexcept {
  while (Entry* entry = by_use_.front()) {
    drop(*entry);
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
    tell_changes();
    const auto paused = co_await sluice::sleep_for(kPauseBetweenChanges);
    if (!paused) {
      co_return;
    }
  }
}

}  // namespace sluiced::files
