// What a KernelRing tries at once: operations as system calls that wait for nothing.
#include <linux/openat2.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include <sluice/kernel_ring.hpp>

namespace sluice {

std::int32_t KernelRing::attempt(const Submission& entry) noexcept {
  const auto answer = [](std::int64_t result) {
    return static_cast<std::int32_t>(result < 0 ? -errno : result);
  };
  if ((entry.flags & (kSubmissionFixedFile | kSubmissionBufferSelect)) != 0) {
    return -EAGAIN;  // what only the ring knows: a direct descriptor, the buffers provided to it
  }
  switch (entry.opcode) {
    case Opcode::openat2: {
      // RESOLVE_CACHED: -EAGAIN instead of going to the disk for a name (openat2(2), Linux 5.12).
      open_how how = *reinterpret_cast<const open_how*>(entry.offset);
      how.resolve |= RESOLVE_CACHED;
      const std::int32_t fd =
          answer(::syscall(SYS_openat2, entry.fd, entry.address, &how, sizeof(how)));
      // A filter that cannot look into `how` forbids the call altogether, as systemd does for
      // RestrictSUIDSGID= and DynamicUser=. The ring's own openat2 does not pass the filter.
      return fd == -ENOSYS ? -EAGAIN : fd;
    }
    case Opcode::read: {
      // RWF_NOWAIT: only what the page cache holds (preadv2(2)).
      iovec piece{reinterpret_cast<void*>(entry.address), entry.length};
      const std::int32_t count =
          answer(::preadv2(entry.fd, &piece, 1, static_cast<off_t>(entry.offset), RWF_NOWAIT));
      // A file system that cannot tell whether it would wait: the ring will know.
      return count == -EOPNOTSUPP ? -EAGAIN : count;
    }
    case Opcode::send_file: {
      auto offset = static_cast<off_t>(entry.offset);
      return answer(::sendfile(entry.fd, entry.file_index, &offset, entry.length));
    }
    case Opcode::send:
      return answer(::send(entry.fd, reinterpret_cast<const void*>(entry.address), entry.length,
                           static_cast<int>(entry.operation_flags) | MSG_DONTWAIT));
    case Opcode::receive:
      return answer(::recv(entry.fd, reinterpret_cast<void*>(entry.address), entry.length,
                           static_cast<int>(entry.operation_flags) | MSG_DONTWAIT));
    case Opcode::accept:
      // accept4(2) has no flag for not waiting: that is the listening socket's own setting.
      return answer(::accept4(entry.fd, nullptr, nullptr, static_cast<int>(entry.operation_flags)));
    case Opcode::statx:
      return answer(::statx(entry.fd, reinterpret_cast<const char*>(entry.address),
                            static_cast<int>(entry.operation_flags), entry.length,
                            reinterpret_cast<struct statx*>(entry.offset)));
    case Opcode::poll_add: {
      pollfd question{entry.fd, static_cast<short>(entry.operation_flags), 0};
      const std::int32_t ready = answer(::poll(&question, 1, 0));
      return ready > 0 ? question.revents : (ready == 0 ? -EAGAIN : ready);
    }
    default:
      return -EAGAIN;
  }
}

}  // namespace sluice
