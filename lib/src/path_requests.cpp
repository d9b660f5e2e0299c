#include <sluice/path_requests.hpp>

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace sluice {

DirectOpenRequest::DirectOpenRequest(DirectFiles& table_in, OpenRequest open_in) noexcept
    : DirectResult(table_in), open(open_in) {
  open.how.flags &= ~static_cast<std::uint64_t>(O_CLOEXEC);
}

Result<FileStatus> StatusRequest::finish(Completion completion) noexcept {
  if (completion.result < 0) {
    return failure(-completion.result);
  }
  FileStatus status;
  status.type = S_ISREG(found.stx_mode)   ? FileStatus::Type::regular
                : S_ISDIR(found.stx_mode) ? FileStatus::Type::directory
                                          : FileStatus::Type::other;
  status.size_bytes = found.stx_size;
  status.inode = found.stx_ino;
  status.device = ::makedev(found.stx_dev_major, found.stx_dev_minor);
  status.modified_s = found.stx_mtime.tv_sec;
  status.modified_ns = found.stx_mtime.tv_nsec;
  status.mode = found.stx_mode;
  status.links = found.stx_nlink;
  status.user_id = found.stx_uid;
  status.group_id = found.stx_gid;
  status.allocated_bytes = found.stx_blocks * 512;
  return status;
}

LinkFileRequest::LinkFileRequest(Descriptor file_in, int to_fd_in, const char* to_in) noexcept
    : file(file_in), to_fd(to_fd_in), to(to_in) {
  constexpr std::string_view kFolder = "/proc/self/fd/";
  char* const number = std::ranges::copy(kFolder, from.data()).out;
  std::to_chars(number, from.data() + from.size() - 1, file.number());
}

Submission LinkFileRequest::prepare() noexcept {
  return LinkRequest(AT_FDCWD, from.data(), to_fd, to, AT_SYMLINK_FOLLOW).prepare();
}

}  // namespace sluice
