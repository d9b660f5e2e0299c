#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <sluice/clock.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/executor.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

#include "files/change_watch.hpp"
#include "files/cold_reads.hpp"
#include "files/kept_responses.hpp"
#include "files/root.hpp"
#include "observe/file_cache_metrics.hpp"

namespace sluiced::files {

struct FileCacheOptions {
  /// The most files kept open; 0 keeps none.
  std::size_t max_files = 0;
  /// How long a file is served without looking again that cannot be watched: on a file system that
  /// does not tell of changes, such as NFS, or since the kernel has no watch left for it. Zero:
  /// such files are not kept.
  sluice::Duration unwatched_age{0};
};

/// Keeps regular files open that are asked for again and again, so that opening, examining and
/// closing them is saved. Of small ones that are watched a copy may be kept as well
/// (OpenFile::response); of all others the page cache of the kernel is the cache.
///
/// What is found here is never older than a change that the asking client can know of. Before the
/// first look-up of a turn all that inotify has to tell is taken in: the requests of the turn had
/// been received by then (if not, received_in_turn() says so), so a change that its maker had
/// finished before a client sent one of them is known. (Waiting for the ring to report that the
/// inotify descriptor is readable would not do: a turn handles a bounded number of completions, and
/// the report may come with the next one.) What inotify cannot see is found by looking a name up
/// again when the last look is a second old.
///
/// Belongs to one shard.
class FileCache {
 public:
  /// All references must outlive the cache.
  FileCache(sluice::Executor& executor, const FileCacheOptions& options,
            observe::FileCacheMetrics& metrics);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  /// A request has been received in this turn after others may have been answered: what inotify has
  /// to tell is taken in again before the next look-up.
  void received_in_turn() noexcept { changes_taken_in_turn_ = 0; }

  /// What `path` names beneath `root`, if that needs no disk; as Root::try_open_file(), which is
  /// asked when nothing is kept. `root_index` stands for the root and its symlink policy.
  [[nodiscard]] sluice::Result<SharedFile> try_open(const Root& root, std::size_t root_index,
                                                    const char* path);

  /// The same with waiting, for what try_open() answers EAGAIN to. `path` must stay valid until it
  /// ends. Remote files (see Root) are kept from here, and only so many opened at the same time.
  [[nodiscard]] sluice::Task<sluice::Result<SharedFile>> open(const Root& root,
                                                              std::size_t root_index,
                                                              const char* path);

  /// Which siblings of a file that try_open() has just answered with are known not to be there: the
  /// bits that were noted. 0 where nothing is kept.
  [[nodiscard]] std::uint8_t absent_siblings(std::size_t root_index,
                                             std::string_view path) const noexcept;
  /// Notes that siblings, whose names are that of the file and an extension more, are not there:
  /// for as long as the file is kept and nothing comes by such a name. They must have been looked
  /// up since try_open() answered with the file, in the same turn.
  void note_absent_siblings(std::size_t root_index, std::string_view path,
                            std::uint8_t siblings) noexcept;

  /// Closes the files that are kept of a root which is served no more.
  void drop_root(std::size_t root_index) noexcept;

  /// Closes all that are kept.
  void clear() noexcept;

  /// Closes files that have changed while nobody asks, so that a deleted file gives its room back.
  /// Runs until it is cancelled.
  [[nodiscard]] sluice::Task<void> follow_changes();

 private:
  struct Key {
    std::size_t root_index;
    std::string_view path;
  };
  class Entry;
  struct Hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(const Key& key) const noexcept;
    [[nodiscard]] std::size_t operator()(const std::unique_ptr<Entry>& entry) const noexcept;
  };
  struct Equal {
    using is_transparent = void;
    [[nodiscard]] bool operator()(const Key& left,
                                  const std::unique_ptr<Entry>& right) const noexcept;
    [[nodiscard]] bool operator()(const std::unique_ptr<Entry>& left,
                                  const std::unique_ptr<Entry>& right) const noexcept;
  };

  void take_changes_in();
  [[nodiscard]] bool is_fresh(const Entry& entry) const noexcept;
  [[nodiscard]] bool is_wanted_again(const Key& key) noexcept;
  [[nodiscard]] bool is_watchable(const OpenFile& opened);
  [[nodiscard]] SharedFile admit(const Root& root, const Key& key, SharedFile opened);
  void keep(std::unique_ptr<Entry> entry, SharedFile file);
  void tell_changes();
  void refresh(Entry& entry, SharedFile opened);
  void set_file(Entry& entry, SharedFile file);
  void make_room();
  void drop(Entry& entry) noexcept;

  sluice::Executor& executor_;
  FileCacheOptions options_;
  observe::FileCacheMetrics& metrics_;
  std::unique_ptr<ChangeWatch> changes_;  // null where there is no inotify
  ColdReads remote_opens_;
  std::uint64_t changes_taken_in_turn_ = 0;
  std::unordered_map<std::uint64_t, bool> watchable_devices_;  // grows with mounts beneath roots
  KeptResponses responses_;
  std::unordered_set<std::unique_ptr<Entry>, Hash, Equal> entries_;
  sluice::detail::IntrusiveList<Entry> by_use_;  // the one unused for longest first
  // Hashes of names asked for lately: a file is kept when it is asked for again, so that one that
  // is wanted once does not push out one that is wanted often.
  std::array<std::size_t, 4096> asked_lately_{};
};

}  // namespace sluiced::files
