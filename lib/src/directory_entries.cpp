#include <sluice/directory_entries.hpp>

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include <sluice/blocking_pool.hpp>
#include <sluice/task_scope.hpp>

namespace sluice {
namespace {

// As much as readdir(3) asks for: some thousand short names a call.
constexpr std::size_t kBatchBytes = 32768;

DirectoryEntry::Type type_of(unsigned char kind) noexcept {
  switch (kind) {
    case DT_UNKNOWN:
      return DirectoryEntry::Type::unknown;
    case DT_REG:
      return DirectoryEntry::Type::regular;
    case DT_DIR:
      return DirectoryEntry::Type::directory;
    case DT_LNK:
      return DirectoryEntry::Type::symlink;
    default:
      return DirectoryEntry::Type::other;
  }
}

}  // namespace

DirectoryEntries::DirectoryEntries(UniqueFd fd)
    : fd_(std::move(fd)), batch_(std::make_unique_for_overwrite<std::byte[]>(kBatchBytes)) {}

Result<DirectoryEntries> DirectoryEntries::open(int directory_fd) {
  UniqueFd fd(::openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return failure(errno);
  }
  return DirectoryEntries(std::move(fd));
}

Result<bool> DirectoryEntries::read_blocking() noexcept {
  batch_bytes_ = 0;
  const ssize_t count = ::getdents64(fd_.get(), batch_.get(), kBatchBytes);
  if (count < 0) {
    return failure(errno);
  }
  batch_bytes_ = static_cast<std::size_t>(count);
  return count > 0;
}

Task<Result<bool>> DirectoryEntries::read(BlockingPool& pool) {
  const TaskContext context = co_await current_context();
  if (context.cancel_scope != nullptr && context.cancel_scope->is_cancelled()) {
    co_return failure(ECANCELED);
  }
  auto got = co_await pool.run([this] { return read_blocking(); });
  if (!got) {
    co_return std::unexpected(got.error());
  }
  co_return *got;
}

DirectoryEntries::Iterator::Iterator(const std::byte* at, const std::byte* end) noexcept
    : at_(at), end_(end) {
  settle();
}

DirectoryEntries::Iterator& DirectoryEntries::Iterator::operator++() noexcept {
  at_ += record_bytes_;
  settle();
  return *this;
}

void DirectoryEntries::Iterator::settle() noexcept {
  for (; at_ != end_; at_ += record_bytes_) {
    const auto& record = *reinterpret_cast<const dirent64*>(at_);
    record_bytes_ = record.d_reclen;
    entry_.name = record.d_name;
    if (entry_.name != "." && entry_.name != "..") {
      entry_.type = type_of(record.d_type);
      entry_.inode = record.d_ino;
      return;
    }
  }
}

}  // namespace sluice
