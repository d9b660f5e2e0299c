#include "files/root.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <sluice/operations.hpp>

#include "files/file_system.hpp"
#include "files/worker_request.hpp"

namespace sluiced::files {
namespace {

// openat2(2) answers EAGAIN when something on the way was renamed during the look-up. Somebody who
// renames in a loop must not keep us at it for ever.
constexpr int kMostAttempts = 16;

// The close of a file that nobody waits for. Owns itself until it completes, and keeps its loop
// running until then.
class Closing final : public sluice::Waker {
 public:
  // False: it has not begun, and the descriptor is still the caller's.
  [[nodiscard]] static bool begin(sluice::Reactor& reactor, int fd) {
    auto closing = std::make_unique<Closing>();
    sluice::Submission entry;
    entry.opcode = sluice::Opcode::close;
    entry.flags = sluice::kSubmissionAsync;
    entry.fd = fd;
    const bool has_begun = reactor.register_operation(*closing, entry).has_value();
    if (has_begun) {
      static_cast<void>(closing.release());
    }
    return has_begun;
  }
  void wake(sluice::Completion /*completion*/) noexcept override {
    const std::unique_ptr<Closing> self(this);
  }
};

// close(2) of a remote file tells its file system, and waits for what that says.
struct CloseByWorker {
  sluice::Reactor* reactor;
  void operator()(OpenFile* opened) const noexcept {
    const std::unique_ptr<OpenFile> owned(opened);
    if (reactor->is_on_its_thread() && Closing::begin(*reactor, owned->file.fd())) {
      static_cast<void>(owned->file.release().release());
    }
  }
};

}  // namespace

sluice::Result<SharedFile> Root::examine(sluice::UniqueFd fd) {
  OpenFile opened{sluice::File(std::move(fd)), {}, false};
  auto status = opened.file.status();
  if (!status) {
    return std::unexpected(status.error());
  }
  opened.status = *status;
  return std::make_shared<const OpenFile>(std::move(opened));
}

sluice::Result<Root> Root::open(const std::string& path, sluice::SymlinkPolicy symlinks) {
  auto directory = sluice::Directory::open(path.c_str());
  if (!directory) {
    return std::unexpected(directory.error());
  }
  struct stat found{};
  if (::fstat(directory->fd(), &found) != 0) {
    return sluice::failure(errno);
  }
  const bool is_remote = !is_on_local_file_system(directory->fd());
  return Root(std::move(*directory), symlinks, found.st_dev, is_remote);
}

bool Root::is_same_directory(const Root& other) const noexcept {
  struct stat mine{};
  struct stat others{};
  return ::fstat(directory_.fd(), &mine) == 0 && ::fstat(other.directory_.fd(), &others) == 0 &&
         mine.st_dev == others.st_dev && mine.st_ino == others.st_ino;
}

sluice::Result<sluice::UniqueFd> Root::try_open(sluice::Reactor& reactor, const char* path,
                                                int flags, sluice::SymlinkPolicy symlinks) const {
  if (is_remote_) {
    return sluice::failure(EAGAIN);
  }
  sluice::OpenRequest request = directory_.open_request(path, flags, symlinks);
  const auto fd = reactor.attempt(request.prepare());
  if (fd < 0) {
    return sluice::failure(-fd);
  }
  return sluice::UniqueFd(fd);
}

sluice::Result<SharedFile> Root::try_open_file(sluice::Reactor& reactor, const char* path) const {
  auto fd = try_open(reactor, path, O_RDONLY, symlinks_);
  if (!fd) {
    return std::unexpected(fd.error());
  }
  return examine(std::move(*fd));
}

sluice::Task<sluice::Result<SharedFile>> Root::open_file(const char* path) const {
  if (is_remote_) {
    co_return co_await open_remote_file(path);
  }
  for (int attempt = 1;; ++attempt) {
    auto fd = co_await directory_.open_beneath(path, O_RDONLY, symlinks_);
    if (fd) {
      co_return examine(std::move(*fd));
    }
    if (fd.error() != std::errc::resource_unavailable_try_again || attempt == kMostAttempts) {
      co_return std::unexpected(fd.error());
    }
  }
}

sluice::Task<sluice::Result<SharedFile>> Root::open_remote_file(const char* path) const {
  for (int attempt = 1;; ++attempt) {
    const WorkerRequest<sluice::OpenRequest> request(
        directory_.open_request(path, O_RDONLY, symlinks_));
    auto fd = co_await sluice::Operation(request);
    if (!fd &&
        (fd.error() != std::errc::resource_unavailable_try_again || attempt == kMostAttempts)) {
      co_return std::unexpected(fd.error());
    }
    if (!fd) {
      continue;
    }
    const sluice::TaskContext context = co_await sluice::current_context();
    std::unique_ptr<OpenFile, CloseByWorker> opened(
        std::make_unique<OpenFile>(sluice::File(std::move(*fd))).release(),
        CloseByWorker{&context.executor->reactor()});
    opened->is_remote = true;
    const auto status =
        co_await sluice::Operation(sluice::StatusRequest(opened->file.fd(), "", AT_EMPTY_PATH));
    if (!status) {
      co_return std::unexpected(status.error());
    }
    opened->status = *status;
    co_return SharedFile(std::move(opened));
  }
}

sluice::Result<sluice::FileStatus> Root::status_of(const char* path) const noexcept {
  for (int attempt = 1;; ++attempt) {
    auto status = directory_.status_beneath(path, symlinks_);
    if (status || status.error() != std::errc::resource_unavailable_try_again ||
        attempt == kMostAttempts) {
      return status;
    }
  }
}

sluice::Result<OpenFile> Root::open_blocking(const char* path) const {
  for (int attempt = 1;; ++attempt) {
    auto fd = directory_.open_blocking(path, O_RDONLY, symlinks_);
    if (!fd) {
      if (fd.error() != std::errc::resource_unavailable_try_again || attempt == kMostAttempts) {
        return std::unexpected(fd.error());
      }
      continue;
    }
    OpenFile opened{sluice::File(std::move(*fd)), {}, false};
    auto status = opened.file.status();
    if (!status) {
      return std::unexpected(status.error());
    }
    opened.status = *status;
    return opened;
  }
}

}  // namespace sluiced::files
