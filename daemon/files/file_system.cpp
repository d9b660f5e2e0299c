#include "files/file_system.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace sluiced::files {

// An overlay tells of what is changed through it.
bool is_on_local_file_system(int fd) noexcept {
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

}  // namespace sluiced::files
