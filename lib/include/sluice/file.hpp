#pragma once

#include <cstdint>
#include <span>

#include <sluice/detail/api.hpp>
#include <sluice/file_requests.hpp>
#include <sluice/path_requests.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// What fstat(2) tells of an open file.
struct FileStatus {
  /// What kind of file it is.
  enum class Type : std::uint8_t { regular, directory, other };
  /// regular, directory, or something else: a device, a FIFO, a socket.
  Type type = Type::other;
  /// Its length, as far as its kind has one.
  std::uint64_t size_bytes = 0;
  /// st_ino: with `device` it tells whether two files are the same one.
  std::uint64_t inode = 0;
  /// st_dev.
  std::uint64_t device = 0;
  std::int64_t modified_s = 0;  // seconds since 1970
  /// Nanoseconds after modified_s, from 0 to 999999999.
  std::uint32_t modified_ns = 0;
};

/// An open file: reads and writes at explicit offsets, all through the ring. Owns its descriptor
/// and must outlive every operation on it. A File that is not open answers EBADF.
class SLUICE_API File {
 public:
  File() noexcept = default;
  /// Takes over an open descriptor.
  explicit File(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// open(2) relative to the working directory. `flags` as there, O_CLOEXEC is added; `mode` counts
  /// with O_CREAT. `path` must stay valid until the operation completes. Linux 5.6.
  [[nodiscard]] static Operation<OpenRequest> open(const char* path, int flags,
                                                   unsigned mode = 0) noexcept;

  /// Reads up to buffer.size() bytes from `offset`; fewer at the end of the file, 0 past it.
  [[nodiscard]] Operation<ReadRequest> read_at(std::span<std::byte> buffer,
                                               std::uint64_t offset) const noexcept {
    return Operation(ReadRequest(fd_.get(), buffer, offset));
  }
  /// Writes up to buffer.size() bytes at `offset`; may write fewer.
  [[nodiscard]] Operation<WriteRequest> write_at(std::span<const std::byte> buffer,
                                                 std::uint64_t offset) const noexcept {
    return Operation(WriteRequest(fd_.get(), buffer, offset));
  }
  /// Reads until the buffer is full or the file ends; the count tells which.
  [[nodiscard]] Task<Result<std::size_t>> read_exact_at(std::span<std::byte> buffer,
                                                        std::uint64_t offset) const;
  /// Writes all of the buffer.
  [[nodiscard]] Task<Result<void>> write_all_at(std::span<const std::byte> buffer,
                                                std::uint64_t offset) const;
  /// Reads at once what the page cache holds (preadv2(2), RWF_NOWAIT). EAGAIN: it would wait for
  /// the disk; read_at() does, without holding up the shard.
  [[nodiscard]] Result<std::size_t> try_read_at(Reactor& reactor, std::span<std::byte> buffer,
                                                std::uint64_t offset) const noexcept;
  /// Asks the kernel to begin reading a range into the page cache (readahead(2)). Only a hint.
  void read_ahead(std::uint64_t offset, std::size_t length) const noexcept;
  /// fsync(2).
  [[nodiscard]] Operation<SyncRequest> sync() const noexcept {
    return Operation(SyncRequest(fd_.get(), false));
  }
  /// fdatasync(2).
  [[nodiscard]] Operation<SyncRequest> sync_data() const noexcept {
    return Operation(SyncRequest(fd_.get(), true));
  }
  /// fstat(2), called directly: of an open file it never waits, and the ring would hand it to a
  /// worker thread at ten times the cost.
  [[nodiscard]] Result<FileStatus> status() const noexcept;

  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// The descriptor, which stays its own; -1 when it is not open.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Gives the descriptor away. No operation may be in flight on it.
  [[nodiscard]] UniqueFd release() noexcept { return std::move(fd_); }

 private:
  UniqueFd fd_;
};

}  // namespace sluice
