#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sluice/clock.hpp>
#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/reactor.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

#include "files/kept_responses.hpp"
#include "http/response_head.hpp"

namespace sluiced::files {

/// A file or directory that is open, and what it was when it was opened. All decisions about it
/// rest on this one look at this one descriptor: nothing is ever looked up by name twice.
struct OpenFile {
  sluice::File file;
  sluice::FileStatus status;
  /// Whether it lies beneath a remote root: no call on it may be made that could wait.
  bool is_remote = false;
  /// The head of a response with all of it, once it has been rendered, and what it was rendered for
  /// (0: none has been): whoever answers with the file says what that means. Only touched by the
  /// shard that the file belongs to.
  struct Head {
    std::uint64_t rendered_for = 0;
    bool was_needed = false;
    http::RenderedHead text;
  };
  mutable Head head{};
  /// When all of it was last seen to be in the page cache; likewise.
  mutable sluice::TimePoint seen_resident_at{};
  /// Where a response with all of it is kept; null: none may be. Likewise.
  mutable std::unique_ptr<KeptResponse> response{};
};

/// An open file that several may hold: responses that are being sent, the cache. It stays open as
/// long as one of them does.
using SharedFile = std::shared_ptr<const OpenFile>;

/// A directory that is served, held open since the start. Names are resolved beneath it by the
/// kernel. Shared by all shards: it is only read.
///
/// A root on a file system that is not local (is_on_local_file_system()) is remote: whoever answers
/// for it may be gone. Nothing beneath it is opened or examined but by workers of the kernel's.
/// That does not cover such a file system mounted somewhere beneath a local root.
class Root {
 public:
  /// Blocks; for the start.
  [[nodiscard]] static sluice::Result<Root> open(const std::string& path,
                                                 sluice::SymlinkPolicy symlinks);

  /// Whether both are the same directory, whatever names they were opened by.
  [[nodiscard]] bool is_same_directory(const Root& other) const noexcept;

  /// What lies behind a descriptor.
  [[nodiscard]] static sluice::Result<SharedFile> examine(sluice::UniqueFd fd);

  [[nodiscard]] bool is_remote() const noexcept { return is_remote_; }
  /// Of the directory, as st_dev.
  [[nodiscard]] std::uint64_t device() const noexcept { return device_; }

  /// openat2(2) of what `path` names, if that needs no disk; else EAGAIN.
  [[nodiscard]] sluice::Result<sluice::UniqueFd> try_open(sluice::Reactor& reactor,
                                                          const char* path, int flags,
                                                          sluice::SymlinkPolicy symlinks) const;
  /// Opens what `path` names, for reading, if that needs no disk: all its names are in the kernel's
  /// cache. EAGAIN: use open_file(); always so beneath a remote root. `path` is relative, without
  /// "..", and ends in a NUL.
  [[nodiscard]] sluice::Result<SharedFile> try_open_file(sluice::Reactor& reactor,
                                                         const char* path) const;
  /// The same through the ring, without holding up the shard. `path` must stay valid until it ends.
  [[nodiscard]] sluice::Task<sluice::Result<SharedFile>> open_file(const char* path) const;
  /// The same by a call that blocks: for a thread of the blocking pool.
  [[nodiscard]] sluice::Result<OpenFile> open_blocking(const char* path) const;
  /// What `path` names, looked up the same way. Blocks: for a thread of the blocking pool.
  [[nodiscard]] sluice::Result<sluice::FileStatus> status_of(const char* path) const noexcept;

 private:
  Root(sluice::Directory directory, sluice::SymlinkPolicy symlinks, std::uint64_t device,
       bool is_remote) noexcept
      : directory_(std::move(directory)),
        symlinks_(symlinks),
        device_(device),
        is_remote_(is_remote) {}
  [[nodiscard]] sluice::Task<sluice::Result<SharedFile>> open_remote_file(const char* path) const;

  sluice::Directory directory_;
  sluice::SymlinkPolicy symlinks_;
  std::uint64_t device_;
  bool is_remote_;
};

}  // namespace sluiced::files
