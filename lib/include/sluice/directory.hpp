#pragma once

#include <fcntl.h>

#include <cstdint>

#include <sluice/detail/api.hpp>
#include <sluice/directory_entries.hpp>
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
  follow,   // links are followed wherever they lead: whoever can make one chooses what is opened
};

/// A directory held open, from which names are resolved and never leave: openat2(2) with
/// RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. Neither "..", nor absolute paths, nor links, nor a
/// rename in the same moment lead out of it. Linux 5.6. With SymlinkPolicy::follow the kernel keeps
/// nothing in: the caller must not pass ".." or absolute paths then.
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

  /// The same into a table of direct descriptors; ENFILE: it is full. Linux 5.19.
  [[nodiscard]] Operation<DirectOpenRequest> open_direct(
      DirectFiles& table, const char* path, int flags,
      SymlinkPolicy symlinks = SymlinkPolicy::beneath) const noexcept;

  /// The same as a value, for Reactor::attempt() and Operation.
  [[nodiscard]] OpenRequest open_request(const char* path, int flags,
                                         SymlinkPolicy symlinks) const noexcept;

  /// Opens as open_beneath() does. Blocks: for a thread of a BlockingPool. Under a filter that
  /// answers ENOSYS to openat2(2), as systemd's RestrictSUIDSGID= and DynamicUser= do, it goes
  /// through a small ring that the calling thread then keeps to its end.
  [[nodiscard]] Result<UniqueFd> open_blocking(const char* path, int flags,
                                               SymlinkPolicy symlinks) const noexcept;

  /// What `path` names below this directory, looked up as open_beneath() does it. Blocks: for a
  /// thread of a BlockingPool.
  [[nodiscard]] Result<FileStatus> status_beneath(const char* path,
                                                  SymlinkPolicy symlinks) const noexcept;

  // Names. The kernel confines only opens; all other calls on paths follow "..", absolute paths and
  // links. The calls below therefore take one name each, an entry of this very directory, and
  // answer EINVAL to "", ".", ".." and to whatever has a slash in it. None follows a symbolic link:
  // a link is renamed, removed, linked and told of itself. So nothing outside this directory (and
  // `to`) can be reached by any name, whatever others rename meanwhile. For an entry further below,
  // open_beneath() its directory (O_PATH | O_DIRECTORY) and ask that one.
  //
  // Names must stay valid until the operation completes, and may be any bytes but '/' and NUL.
  // What they change is on the disk for certain only after sync(). All run on a worker of the
  // kernel's; a cancel that comes after it has begun comes too late, and the result is the
  // operation's own.

  /// Renames `name` to `new_name` in `to`, which may be this directory. Replaces what has that name
  /// unless `flags` (RENAME_NOREPLACE, RENAME_EXCHANGE) say otherwise. EXDEV: `to` is on another
  /// file system. renameat2(2), Linux 5.11.
  [[nodiscard]] Operation<OneComponent<RenameRequest>> rename(const char* name, const Directory& to,
                                                              const char* new_name,
                                                              unsigned flags = 0) const noexcept {
    return Operation(OneComponent(RenameRequest(fd(), name, to.fd(), new_name, flags)));
  }
  /// Removes an entry that is no directory. EISDIR: it is one. unlinkat(2), Linux 5.11.
  [[nodiscard]] Operation<OneComponent<UnlinkRequest>> remove(const char* name) const noexcept {
    return Operation(OneComponent(UnlinkRequest(fd(), name, 0)));
  }
  /// Removes an empty directory. ENOTEMPTY, ENOTDIR. unlinkat(2), Linux 5.11.
  [[nodiscard]] Operation<OneComponent<UnlinkRequest>> remove_directory(
      const char* name) const noexcept {
    return Operation(OneComponent(UnlinkRequest(fd(), name, AT_REMOVEDIR)));
  }
  /// Gives the file `name` a second name in `to`. EEXIST, EXDEV. linkat(2), Linux 5.15.
  [[nodiscard]] Operation<OneComponent<LinkRequest>> link(const char* name, const Directory& to,
                                                          const char* new_name) const noexcept {
    return Operation(OneComponent(LinkRequest(fd(), name, to.fd(), new_name, 0)));
  }
  /// Gives an open file, such as one made with O_TMPFILE, a name here: it appears whole, or not at
  /// all. EEXIST. EOPNOTSUPP: it is a direct descriptor. Needs /proc. linkat(2), Linux 5.15.
  [[nodiscard]] Operation<OneComponent<LinkFileRequest>> link_file(
      const File& file, const char* name) const noexcept {
    return Operation(OneComponent(LinkFileRequest(file.descriptor(), fd(), name)));
  }
  /// EEXIST. The umask cuts the mode. mkdirat(2), Linux 5.15.
  [[nodiscard]] Operation<OneComponent<MakeDirectoryRequest>> make_directory(
      const char* name, unsigned mode = 0777) const noexcept {
    return Operation(OneComponent(MakeDirectoryRequest(fd(), name, mode)));
  }
  /// What `name` is. statx(2), Linux 5.6. When it is to be opened anyway, open it and ask
  /// File::status(), which costs a tenth.
  [[nodiscard]] Operation<OneComponent<StatusRequest>> status(const char* name) const noexcept {
    return Operation(OneComponent(StatusRequest(fd(), name, AT_SYMLINK_NOFOLLOW)));
  }
  /// Puts changes to the directory's entries on the disk: fsync(2) of a descriptor opened for it,
  /// since this one (O_PATH) cannot. EACCES: the directory may not be read.
  [[nodiscard]] Task<Result<void>> sync() const;
  /// The entries, to be read in batches; see DirectoryEntries.
  [[nodiscard]] Result<DirectoryEntries> entries() const { return DirectoryEntries::open(fd()); }

  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// The descriptor, which stays its own; -1 when it is not open.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace sluice
