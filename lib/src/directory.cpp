#include <sluice/directory.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

Result<Directory> Directory::open(const char* path) noexcept {
  UniqueFd fd(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return failure(errno);
  }
  return Directory(std::move(fd));
}

OpenRequest Directory::open_request(const char* path, int flags,
                                    SymlinkPolicy symlinks) const noexcept {
  open_how how{};
  // openat2(2) refuses with O_PATH what that ignores anyway.
  const int added = (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.flags = static_cast<std::uint64_t>(flags | added);
  how.resolve = RESOLVE_NO_MAGICLINKS;
  if (symlinks != SymlinkPolicy::follow) {
    how.resolve |= RESOLVE_BENEATH;
  }
  if (symlinks == SymlinkPolicy::none) {
    how.resolve |= RESOLVE_NO_SYMLINKS;
  }
  return {fd_.get(), path, how};
}

Operation<OpenRequest> Directory::open_beneath(const char* path, int flags,
                                               SymlinkPolicy symlinks) const noexcept {
  return Operation(open_request(path, flags, symlinks));
}

Operation<DirectOpenRequest> Directory::open_direct(DirectFiles& table, const char* path, int flags,
                                                    SymlinkPolicy symlinks) const noexcept {
  return Operation(DirectOpenRequest(table, open_request(path, flags, symlinks)));
}

Task<Result<void>> Directory::sync() const {
  const auto readable = co_await open_beneath(".", O_RDONLY | O_DIRECTORY, SymlinkPolicy::none);
  if (!readable) {
    co_return std::unexpected(readable.error());
  }
  co_return co_await Operation(SyncRequest(readable->get(), false));
}

Result<UniqueFd> Directory::open_blocking(const char* path, int flags,
                                          SymlinkPolicy symlinks) const noexcept {
  const OpenRequest request = open_request(path, flags, symlinks);
  const auto fd = ::syscall(SYS_openat2, fd_.get(), path, &request.how, sizeof(request.how));
  if (fd < 0) {
    return failure(errno);
  }
  return UniqueFd(static_cast<int>(fd));
}

Result<FileStatus> Directory::status_beneath(const char* path,
                                             SymlinkPolicy symlinks) const noexcept {
  auto fd = open_blocking(path, O_PATH, symlinks);
  if (!fd) {
    return std::unexpected(fd.error());
  }
  return File(std::move(*fd)).status();
}

}  // namespace sluice
