#pragma once

#include <linux/openat2.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string_view>

#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/file_status.hpp>
#include <sluice/request.hpp>

/// Operations on names in directories; request.hpp says how a request is used. Paths are C strings
/// that must stay valid until the operation completes, and are relative to their directory's
/// descriptor or, with AT_FDCWD, to the working directory.
///
/// Of these only openat2(2) can be told to stay beneath its directory. The others follow "..",
/// absolute paths and symbolic links in all but the last component; OneComponent<> takes that away.
/// All but openat2 run on a worker of the kernel's.
namespace sluice {

/// openat2(2), Linux 5.6.
struct OpenRequest : DescriptorResult {
  int directory_fd;
  const char* path;
  open_how how;
  OpenRequest(int directory_fd_in, const char* path_in, open_how how_in) noexcept
      : directory_fd(directory_fd_in), path(path_in), how(how_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::openat2,
            .fd = directory_fd,
            .offset = address_of(&how),
            .address = address_of(path),
            .length = sizeof(how)};
  }
};

/// The same into a table of direct descriptors, Linux 5.19. O_CLOEXEC is taken out of the flags: a
/// direct descriptor is never inherited, and the kernel refuses the bit.
struct DirectOpenRequest : DirectResult {
  OpenRequest open;
  DirectOpenRequest(DirectFiles& table_in, OpenRequest open_in) noexcept;
  Submission prepare() noexcept { return into_table(open.prepare()); }
};

/// What the requests on one name share.
struct OnPath {
  /// The directory that the path begins in.
  int directory_fd;
  /// The path.
  const char* path;
  /// Takes what the system call takes; the path must stay valid until the operation completes.
  OnPath(int directory_fd_in, const char* path_in) noexcept
      : directory_fd(directory_fd_in), path(path_in) {}
  /// For OneComponent.
  [[nodiscard]] std::array<const char*, 1> names() const noexcept { return {path}; }

 protected:
  /// An entry for this name with nothing else in it.
  [[nodiscard]] Submission entry_of(Opcode opcode) const noexcept {
    return {.opcode = opcode, .fd = directory_fd, .address = address_of(path)};
  }
};

/// What the requests that make one name from another share.
struct OnTwoPaths {
  /// The directory that `from` begins in.
  int from_fd;
  /// The name that there is.
  const char* from;
  /// The directory that `to` begins in.
  int to_fd;
  /// The name to be made.
  const char* to;
  /// Those of the system call.
  std::uint32_t flags;
  /// Takes what the system call takes; the paths must stay valid until the operation completes.
  OnTwoPaths(int from_fd_in, const char* from_in, int to_fd_in, const char* to_in,
             std::uint32_t flags_in) noexcept
      : from_fd(from_fd_in), from(from_in), to_fd(to_fd_in), to(to_in), flags(flags_in) {}
  /// For OneComponent.
  [[nodiscard]] std::array<const char*, 2> names() const noexcept { return {from, to}; }

 protected:
  /// The whole entry.
  [[nodiscard]] Submission entry_of(Opcode opcode) const noexcept {
    return {.opcode = opcode,
            .fd = from_fd,
            .offset = address_of(to),
            .address = address_of(from),
            .length = static_cast<std::uint32_t>(to_fd),
            .operation_flags = flags};
  }
};

/// statx(2), Linux 5.6. `flags` as there: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH ...
struct StatusRequest : OnPath {
  int flags;
  struct statx found{};
  StatusRequest(int directory_fd_in, const char* path_in, int flags_in) noexcept
      : OnPath(directory_fd_in, path_in), flags(flags_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::statx);
    entry.offset = address_of(&found);
    entry.length = STATX_BASIC_STATS;
    entry.operation_flags = static_cast<std::uint32_t>(flags);
    return entry;
  }
  SLUICE_API Result<FileStatus> finish(Completion completion) noexcept;
};

/// renameat2(2), Linux 5.11. `flags`: RENAME_NOREPLACE, RENAME_EXCHANGE ...
struct RenameRequest : VoidResult, OnTwoPaths {
  using OnTwoPaths::OnTwoPaths;
  Submission prepare() noexcept { return entry_of(Opcode::renameat); }
};

/// unlinkat(2), Linux 5.11. `flags`: 0, or AT_REMOVEDIR for an empty directory.
struct UnlinkRequest : VoidResult, OnPath {
  int flags;
  UnlinkRequest(int directory_fd_in, const char* path_in, int flags_in) noexcept
      : OnPath(directory_fd_in, path_in), flags(flags_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::unlinkat);
    entry.operation_flags = static_cast<std::uint32_t>(flags);
    return entry;
  }
};

/// linkat(2), Linux 5.15. `flags`: 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH.
struct LinkRequest : VoidResult, OnTwoPaths {
  using OnTwoPaths::OnTwoPaths;
  Submission prepare() noexcept { return entry_of(Opcode::linkat); }
};

/// linkat(2) of an open file, such as one made with O_TMPFILE, by way of /proc/self/fd, which must
/// be mounted. EOPNOTSUPP: the file is a direct descriptor.
struct LinkFileRequest : VoidResult {
  Descriptor file;
  int to_fd;
  const char* to;
  std::array<char, 32> from{};  // "/proc/self/fd/N"
  SLUICE_API LinkFileRequest(Descriptor file_in, int to_fd_in, const char* to_in) noexcept;
  SLUICE_API Submission prepare() noexcept;
  [[nodiscard]] int refusal(const Ring& /*ring*/) const noexcept {
    return file.is_direct() ? EOPNOTSUPP : file.number() < 0 ? EBADF : 0;
  }
  [[nodiscard]] std::array<const char*, 1> names() const noexcept { return {to}; }
};

/// mkdirat(2), Linux 5.15. The mode is cut by the umask.
struct MakeDirectoryRequest : VoidResult, OnPath {
  unsigned mode;
  MakeDirectoryRequest(int directory_fd_in, const char* path_in, unsigned mode_in) noexcept
      : OnPath(directory_fd_in, path_in), mode(mode_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::mkdirat);
    entry.length = mode;
    return entry;
  }
};

/// Whether a name stands for an entry of its directory and can lead nowhere else: not empty, not
/// "." or "..", and without a slash.
[[nodiscard]] constexpr bool is_one_component(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

/// A request all of whose names are one component each; EINVAL, and nothing is submitted, when one
/// is not.
template <class Request>
struct OneComponent : Request {
  /// Wraps a request whose names are to be single ones.
  explicit OneComponent(const Request& request) noexcept : Request(request) {}
  /// EINVAL for a name that is none: "", ".", "..", or one with a slash in it.
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    for (const char* name : this->names()) {
      if (!is_one_component(name)) {
        return EINVAL;
      }
    }
    if constexpr (requires { Request::refusal(ring); }) {
      return Request::refusal(ring);
    }
    return 0;
  }
};

}  // namespace sluice
