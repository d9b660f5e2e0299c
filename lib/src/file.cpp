#include <sluice/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace sluice {

Operation<OpenRequest> File::open(const char* path, int flags, unsigned mode) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  // openat2(2) refuses a mode without a file to make, where open(2) ignores it.
  how.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
  return Operation(OpenRequest(AT_FDCWD, path, how));
}

Task<Result<std::size_t>> File::read_exact_at(std::span<std::byte> buffer,
                                              std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const auto count = co_await read_at(buffer.subspan(done), offset + done);
    if (!count) {
      co_return count;
    }
    if (*count == 0) {
      break;
    }
    done += *count;
  }
  co_return done;
}

Task<Result<void>> File::write_all_at(std::span<const std::byte> buffer,
                                      std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const auto count = co_await write_at(buffer.subspan(done), offset + done);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      co_return failure(EIO);  // write(2) of a regular file never answers 0 for bytes it was given
    }
    done += *count;
  }
  co_return Result<void>();
}

Result<std::size_t> File::try_read_at(Reactor& reactor, std::span<std::byte> buffer,
                                      std::uint64_t offset) const noexcept {
  return count_or_error(reactor.attempt(ReadRequest(fd_.get(), buffer, offset).prepare()));
}

void File::read_ahead(std::uint64_t offset, std::size_t length) const noexcept {
  ::readahead(fd_.get(), static_cast<off64_t>(offset), length);
}

Result<FileStatus> File::status() const noexcept {
  struct stat found{};
  if (::fstat(fd_.get(), &found) != 0) {
    return failure(errno);
  }
  FileStatus status;
  status.type = S_ISREG(found.st_mode)   ? FileStatus::Type::regular
                : S_ISDIR(found.st_mode) ? FileStatus::Type::directory
                                         : FileStatus::Type::other;
  status.size_bytes = static_cast<std::uint64_t>(found.st_size);
  status.inode = found.st_ino;
  status.device = found.st_dev;
  status.modified_s = found.st_mtim.tv_sec;
  status.modified_ns = static_cast<std::uint32_t>(found.st_mtim.tv_nsec);
  return status;
}

}  // namespace sluice
