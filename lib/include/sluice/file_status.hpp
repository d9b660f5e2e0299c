#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace sluice {

/// What fstat(2) or statx(2) tells of a file.
struct FileStatus {
  /// `other` is anything that is neither; a symbolic link is told by is_symlink().
  enum class Type : std::uint8_t { regular, directory, other };
  /// What kind of file it is.
  Type type = Type::other;
  /// Its length, as far as its kind has one.
  std::uint64_t size_bytes = 0;
  /// st_ino: with `device` it tells whether two files are the same one.
  std::uint64_t inode = 0;
  /// st_dev.
  std::uint64_t device = 0;
  std::int64_t modified_s = 0;  // seconds since 1970
  /// Nanoseconds after modified_s, from 0 to 999999999.
  std::uint32_t modified_ns = 0;
  std::uint32_t mode = 0;  // type and permissions, as st_mode
  /// How many names it has.
  std::uint32_t links = 0;
  /// The owner.
  std::uint32_t user_id = 0;
  /// The owner's group.
  std::uint32_t group_id = 0;
  std::uint64_t allocated_bytes = 0;  // less than the size when there are holes

  /// Whether it is a symbolic link, which only a look that follows none can find.
  [[nodiscard]] bool is_symlink() const noexcept { return S_ISLNK(mode); }
};

}  // namespace sluice
