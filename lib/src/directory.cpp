#include <sluice/directory.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>

#include <sluice/kernel_ring.hpp>

namespace sluice {
namespace {

// A ring of the calling thread's own, for what its filter of system calls leaves to rings only.
// Threads that open by blocking have no other, and one for each call would cost more than the open.
Result<std::unique_ptr<KernelRing>*> ring_of_this_thread() {
  thread_local std::unique_ptr<KernelRing> ring;
  if (ring == nullptr) {
    // create() blocks SIGPIPE for the sake of sendfile(2), which is not used here: that is for the
    // thread's owner to decide.
    sigset_t signals;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &signals);
    auto made = KernelRing::create({.submission_entries = 1, .completion_entries = 2});
    ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
    if (!made) {
      return failure(made.error().errno_value);
    }
    ring = std::move(*made);
  }
  return &ring;
}

// Waits for it, whatever interrupts: `request` and its path are the kernel's until it is complete.
Result<UniqueFd> open_through_ring(OpenRequest request) {
  const auto found = ring_of_this_thread();
  if (!found) {
    return std::unexpected(found.error());
  }
  std::unique_ptr<KernelRing>& ring = **found;
  static_cast<void>(ring->push(request.prepare()));  // it is empty: there is room
  std::array<RingCompletion, 1> completion;
  while (ring->reap(completion) == 0) {
    const int error = -ring->enter(kForever);
    if (error != 0 && error != EINTR && error != EAGAIN && error != EBUSY) {
      ring.reset();  // broken; the next call makes another
      return failure(error);
    }
  }
  const std::int32_t result = completion[0].result;
  if (result < 0) {
    return failure(-result);
  }
  return UniqueFd(result);
}

}  // namespace

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
    // A filter that cannot look into `how` forbids the call altogether, as systemd does for
    // RestrictSUIDSGID= and DynamicUser=. A ring's openat2 does not pass the filter, and a kernel
    // without openat2 has no ring that KernelRing takes.
    if (errno == ENOSYS) {
      return open_through_ring(request);
    }
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
