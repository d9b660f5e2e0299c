#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string_view>

#include <sluice/detail/api.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

class BlockingPool;

/// One entry of a directory.
struct DirectoryEntry {
  /// `unknown`: the file system does not say (readdir(3), DT_UNKNOWN); Directory::status() does.
  enum class Type : std::uint8_t { unknown, regular, directory, symlink, other };

  /// Any bytes but '/' and NUL; no encoding is promised. A NUL stands behind it, so that
  /// name.data() is a C string. Valid until the next batch is read.
  std::string_view name;
  /// What kind of file it is, as far as the file system tells without looking.
  Type type = Type::unknown;
  /// Its inode number.
  std::uint64_t inode = 0;
};

/// Reads the entries of a directory in batches, in the order the file system has them, without "."
/// and ".." (getdents64(2); the ring has no operation for it). Memory is one batch, whatever the
/// size of the directory. An entry that is made or removed meanwhile may come or not.
///
///     auto entries = directory.entries();
///     for (auto more = co_await entries->read(pool); more == true;
///          more = co_await entries->read(pool)) {
///       for (const DirectoryEntry& entry : *entries) { ... }
///     }
class SLUICE_API DirectoryEntries {
 public:
  class Iterator;

  /// Opens the directory behind `directory_fd`, which may be O_PATH, anew, with a place of its own
  /// to read from. EACCES: it may not be read. ENOTDIR. Does not wait for the disk, on local file
  /// systems.
  [[nodiscard]] static Result<DirectoryEntries> open(int directory_fd);

  /// Reads the next batch on a thread of the pool; false: there are no more. A read that has begun
  /// is not cancelled; in a scope that is cancelled already, none begins (ECANCELED). EAGAIN: the
  /// pool's queue is full; try again. ENOENT: the directory has been removed. One read at a time.
  [[nodiscard]] Task<Result<bool>> read(BlockingPool& pool);
  /// The same at once. Waits for the disk: for code that runs on a pool as a whole.
  [[nodiscard]] Result<bool> read_blocking() noexcept;

  /// The batch that was read last. It can be empty, in a directory of which entries were removed.
  [[nodiscard]] Iterator begin() const noexcept;
  /// Behind the last entry of the batch.
  [[nodiscard]] Iterator end() const noexcept;

  /// The descriptor that is read from, for calls on the entries (fstatat(2)).
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit DirectoryEntries(UniqueFd fd);

  UniqueFd fd_;
  std::unique_ptr<std::byte[]> batch_;
  std::size_t batch_bytes_ = 0;
};

/// Goes over the entries of a batch; valid until the next one is read.
class SLUICE_API DirectoryEntries::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = DirectoryEntry;
  using difference_type = std::ptrdiff_t;
  using pointer = const DirectoryEntry*;
  using reference = const DirectoryEntry&;

  Iterator() noexcept = default;
  [[nodiscard]] reference operator*() const noexcept { return entry_; }
  [[nodiscard]] pointer operator->() const noexcept { return &entry_; }
  Iterator& operator++() noexcept;
  Iterator operator++(int) noexcept {
    Iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Iterator& one, const Iterator& other) noexcept {
    return one.at_ == other.at_;
  }

 private:
  friend class DirectoryEntries;
  Iterator(const std::byte* at, const std::byte* end) noexcept;
  // Takes up the record at at_, or the first after it that is to be shown.
  void settle() noexcept;

  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  std::size_t record_bytes_ = 0;
  DirectoryEntry entry_;
};

inline DirectoryEntries::Iterator DirectoryEntries::begin() const noexcept {
  return {batch_.get(), batch_.get() + batch_bytes_};
}
inline DirectoryEntries::Iterator DirectoryEntries::end() const noexcept {
  return {batch_.get() + batch_bytes_, batch_.get() + batch_bytes_};
}

}  // namespace sluice
