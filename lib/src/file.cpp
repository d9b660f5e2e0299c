#include <sluice/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <sluice/blocking_pool.hpp>

namespace sluice {

namespace {

OpenRequest open_request(const char* path, int flags, unsigned mode) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  // openat2(2) refuses a mode without a file to make, where open(2) ignores it.
  how.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
  return {AT_FDCWD, path, how};
}

// Reads what is left, again and again, until all is there or the file ends. `read` makes the
// operation for what follows the bytes that are done.
template <class Read>
Task<Result<std::size_t>> read_until_full(std::size_t length, Read read) {
  std::size_t done = 0;
  while (done < length) {
    const auto count = co_await read(done);
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

template <class Write>
Task<Result<void>> write_until_done(std::size_t length, Write write) {
  std::size_t done = 0;
  while (done < length) {
    const auto count = co_await write(done);
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

std::size_t total_bytes(std::span<const iovec> pieces) noexcept {
  std::size_t total = 0;
  for (const iovec& piece : pieces) {
    total += piece.iov_len;
  }
  return total;
}

// Takes the first `done` bytes away from pieces; `done` grows, and a smaller one takes nothing.
// Pieces that are empty go with what is before them, so that what is left begins with a byte.
class ConsumedPieces {
 public:
  explicit ConsumedPieces(std::span<iovec> pieces) noexcept : left_(pieces) {}
  std::span<const iovec> after(std::size_t done) noexcept {
    std::size_t count = done - std::min(done_, done);
    done_ = std::max(done_, done);
    while (!left_.empty() && count >= left_.front().iov_len) {
      count -= left_.front().iov_len;
      take_from_front(left_.front().iov_len);
      left_ = left_.subspan(1);
    }
    if (!left_.empty()) {
      take_from_front(count);
    }
    return left_;
  }

 private:
  void take_from_front(std::size_t count) noexcept {
    iovec& piece = left_.front();
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + count;
    piece.iov_len -= count;
  }
  std::span<iovec> left_;
  std::size_t done_ = 0;
};

}  // namespace

Operation<OpenRequest> File::open(const char* path, int flags, unsigned mode) noexcept {
  return Operation(open_request(path, flags, mode));
}

Operation<DirectOpenRequest> File::open_direct(DirectFiles& table, const char* path, int flags,
                                               unsigned mode) noexcept {
  return Operation(DirectOpenRequest(table, open_request(path, flags, mode)));
}

Task<Result<std::size_t>> File::read_exact_at(std::span<std::byte> buffer,
                                              std::uint64_t offset) const {
  return read_until_full(buffer.size(), [this, buffer, offset](std::size_t done) {
    return read_at(buffer.subspan(done), offset + done);
  });
}

Task<Result<std::size_t>> File::read_exact_at(RegisteredSpan buffer, std::uint64_t offset) const {
  return read_until_full(buffer.size(), [this, buffer, offset](std::size_t done) {
    return read_at(buffer.subspan(done), offset + done);
  });
}

Task<Result<void>> File::write_all_at(std::span<const std::byte> buffer,
                                      std::uint64_t offset) const {
  return write_until_done(buffer.size(), [this, buffer, offset](std::size_t done) {
    return write_at(buffer.subspan(done), offset + done);
  });
}

Task<Result<void>> File::write_all_at(RegisteredSpan buffer, std::uint64_t offset) const {
  return write_until_done(buffer.size(), [this, buffer, offset](std::size_t done) {
    return write_at(buffer.subspan(done), offset + done);
  });
}

Task<Result<std::size_t>> File::read_exact_vector_at(std::span<iovec> pieces,
                                                     std::uint64_t offset) const {
  const std::size_t total = total_bytes(pieces);
  ConsumedPieces left(pieces);
  const auto count = co_await read_until_full(total, [this, &left, offset](std::size_t done) {
    return read_vector_at(left.after(done), offset + done);
  });
  left.after(count.value_or(0));
  co_return count;
}

Task<Result<void>> File::write_all_vector_at(std::span<iovec> pieces, std::uint64_t offset) const {
  const std::size_t total = total_bytes(pieces);
  ConsumedPieces left(pieces);
  const auto written = co_await write_until_done(total, [this, &left, offset](std::size_t done) {
    return write_vector_at(left.after(done), offset + done);
  });
  left.after(written ? total : 0);
  co_return written;
}

Result<std::size_t> File::try_read_at(Reactor& reactor, std::span<std::byte> buffer,
                                      std::uint64_t offset) const noexcept {
  return count_or_error(reactor.attempt(ReadRequest(descriptor(), buffer, offset).prepare()));
}

void File::read_ahead(std::uint64_t offset, std::size_t length) const noexcept {
  ::readahead(fd(), static_cast<off64_t>(offset), length);
}

Result<FileStatus> File::status() const noexcept {
  if (descriptor().is_direct()) {
    return failure(EOPNOTSUPP);
  }
  struct stat found{};
  if (::fstat(fd(), &found) != 0) {
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
  status.mode = found.st_mode;
  status.links = static_cast<std::uint32_t>(found.st_nlink);
  status.user_id = found.st_uid;
  status.group_id = found.st_gid;
  status.allocated_bytes = static_cast<std::uint64_t>(found.st_blocks) * 512;
  return status;
}

Task<Result<void>> File::truncate(std::uint64_t size_bytes, BlockingPool& pool) const {
  const TaskContext context = co_await current_context();
  if (context.executor->reactor().ring().supports(Opcode::ftruncate)) {
    co_return co_await truncate(size_bytes);
  }
  if (context.cancel_scope != nullptr && context.cancel_scope->is_cancelled()) {
    co_return failure(ECANCELED);
  }
  if (descriptor().is_direct()) {
    co_return failure(EOPNOTSUPP);
  }
  if (const int error = TruncateRequest::refusal_of_size(size_bytes); error != 0) {
    co_return failure(error);
  }
  const auto error = co_await pool.run([fd = fd(), size_bytes] {
    return ::ftruncate(fd, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
  });
  if (!error) {
    co_return std::unexpected(error.error());
  }
  co_return *error == 0 ? Result<void>() : failure(*error);
}

}  // namespace sluice
