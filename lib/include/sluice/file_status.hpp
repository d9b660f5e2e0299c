#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace sluice {

/// What fstat(2) or statx(2) tells of a file.
struct FileStatus {
  /// `other` is anything that is neither; a symbolic link is told by is_symlink().
  enum class Type : std::uint8_t { regular, directory, other };
  Type type = Type::other;
  std::uint64_t size_bytes = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::int64_t modified_s = 0;  // seconds since 1970
  std::uint32_t modified_ns = 0;
  std::uint32_t mode = 0;  // type and permissions, as st_mode
  std::uint32_t links = 0;
  std::uint32_t user_id = 0;
  std::uint32_t group_id = 0;
  std::uint64_t allocated_bytes = 0;  // less than the size when there are holes

  [[nodiscard]] bool is_symlink() const noexcept { return S_ISLNK(mode); }
};

}  // namespace sluice
