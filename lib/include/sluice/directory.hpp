#pragma once

#include <cstdint>

#include <sluice/detail/api.hpp>
#include <sluice/file.hpp>
#include <sluice/path_requests.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// How far symbolic links are followed below a Directory (openat2(2)).
enum class SymlinkPolicy : std::uint8_t {
  none,     // RESOLVE_NO_SYMLINKS: a link anywhere in the path is ELOOP
  beneath,  // links that stay below the directory are followed; all others are EXDEV
};

/// A directory held open, from which names are resolved and never leave: openat2(2) with
/// RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. Neither "..", nor absolute paths, nor links, nor a
/// rename in the same moment lead out of it. Linux 5.6.
class SLUICE_API Directory {
 public:
  Directory() noexcept = default;
  /// Takes over a descriptor of a directory.
  explicit Directory(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// Opens a directory to resolve below (O_PATH: needs search permission only). Blocks; for
  /// start-up.
  [[nodiscard]] static Result<Directory> open(const char* path) noexcept;

  /// Opens what `path` names below this directory; `path` is relative and must stay valid until the
  /// operation completes. O_CLOEXEC, O_NONBLOCK and O_NOCTTY are added to `flags`: opening a FIFO
  /// or a device then never waits, and the caller looks at what it got (File::status()). EXDEV: the
  /// path leads out. EAGAIN: it was renamed while it was resolved; try again.
  [[nodiscard]] Operation<OpenRequest> open_beneath(
      const char* path, int flags, SymlinkPolicy symlinks = SymlinkPolicy::beneath) const noexcept;

  /// The same as a value, for Reactor::attempt() and Operation.
  [[nodiscard]] OpenRequest open_request(const char* path, int flags,
                                         SymlinkPolicy symlinks) const noexcept;

  /// What `path` names below this directory, looked up as open_beneath() does it. Blocks: for a
  /// thread of a BlockingPool.
  [[nodiscard]] Result<FileStatus> status_beneath(const char* path,
                                                  SymlinkPolicy symlinks) const noexcept;

  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// The descriptor, which stays its own; -1 when it is not open.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace sluice
