#pragma once

#include <fcntl.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>

#include <sluice/descriptor_owner.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/file_requests.hpp>
#include <sluice/file_status.hpp>
#include <sluice/path_requests.hpp>
#include <sluice/registered_buffers.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

class BlockingPool;

/// A piece of a vectored read or write.
[[nodiscard]] inline iovec piece_of(std::span<std::byte> bytes) noexcept {
  return {bytes.data(), bytes.size()};
}
/// The kernel's iovec has no const, but a write only reads what it names.
[[nodiscard]] inline iovec piece_of(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

/// An open file: reads and writes at explicit offsets, all through the ring. Owns its descriptor
/// and must outlive every operation on it; so must buffers and pieces.
///
/// A File that is not open answers EBADF, and so does one with a direct descriptor on another
/// shard. An offset that no file has is an error of the kernel's (EINVAL, or EFBIG for a size). A
/// buffer longer than kMaxTransferBytes is served in part by what returns a count.
///
/// A File with a direct descriptor (open_direct()) does all of this but what needs a descriptor of
/// the process: status(), truncate() on a pool, link_file(), Socket::try_send_file() answer
/// EOPNOTSUPP, try_read_at() always EAGAIN, and read_ahead() does nothing; advise() does it
/// instead.
class SLUICE_API File : public DescriptorOwner {
 public:
  File() noexcept = default;
  /// Takes over an open descriptor.
  explicit File(UniqueFd fd) noexcept : DescriptorOwner(std::move(fd)) {}
  /// Takes over a direct one.
  explicit File(DirectDescriptor direct) noexcept : DescriptorOwner(std::move(direct)) {}

  /// open(2) relative to the working directory. `flags` as there, O_CLOEXEC is added; `mode` counts
  /// with O_CREAT. `path` must stay valid until the operation completes. Linux 5.6.
  [[nodiscard]] static Operation<OpenRequest> open(const char* path, int flags,
                                                   unsigned mode = 0) noexcept;
  /// The same into a table of direct descriptors: `File(std::move(*opened))` uses it. ENFILE: the
  /// table is full. Linux 5.19.
  [[nodiscard]] static Operation<DirectOpenRequest> open_direct(DirectFiles& table,
                                                                const char* path, int flags,
                                                                unsigned mode = 0) noexcept;
  /// statx(2) of a path relative to the working directory, links followed; nothing confines it.
  /// `path` must stay valid until the operation completes. Linux 5.6.
  [[nodiscard]] static Operation<StatusRequest> status_of(const char* path) noexcept {
    return Operation(StatusRequest(AT_FDCWD, path, 0));
  }

  /// Reads up to buffer.size() bytes from `offset`; fewer at the end of the file, 0 past it.
  /// pread(2), Linux 5.6.
  [[nodiscard]] Operation<ReadRequest> read_at(std::span<std::byte> buffer,
                                               std::uint64_t offset) const noexcept {
    return Operation(ReadRequest(descriptor(), buffer, offset));
  }
  /// Writes up to buffer.size() bytes at `offset`; may write fewer. pwrite(2), Linux 5.6.
  [[nodiscard]] Operation<WriteRequest> write_at(std::span<const std::byte> buffer,
                                                 std::uint64_t offset) const noexcept {
    return Operation(WriteRequest(descriptor(), buffer, offset));
  }
  /// The same with a registered buffer, a RegisteredLease or a part of it. EFAULT: the buffer is
  /// another shard's. Linux 5.1.
  [[nodiscard]] Operation<ReadFixedRequest> read_at(RegisteredSpan buffer,
                                                    std::uint64_t offset) const noexcept {
    return Operation(ReadFixedRequest(descriptor(), buffer, offset));
  }
  /// The same from a registered buffer.
  [[nodiscard]] Operation<WriteFixedRequest> write_at(RegisteredSpan buffer,
                                                      std::uint64_t offset) const noexcept {
    return Operation(WriteFixedRequest(descriptor(), buffer, offset));
  }
  /// The same with many buffers, in order; see ReadVectorRequest for the limits. preadv(2),
  /// pwritev(2), Linux 5.1.
  [[nodiscard]] Operation<ReadVectorRequest> read_vector_at(std::span<const iovec> pieces,
                                                            std::uint64_t offset) const noexcept {
    return Operation(ReadVectorRequest(descriptor(), pieces, offset));
  }
  /// pwritev(2): the pieces in order, as with read_vector_at().
  [[nodiscard]] Operation<WriteVectorRequest> write_vector_at(std::span<const iovec> pieces,
                                                              std::uint64_t offset) const noexcept {
    return Operation(WriteVectorRequest(descriptor(), pieces, offset));
  }

  /// Reads until the buffer is full or the file ends; the count tells which. An error after the
  /// first bytes is the result: what was read before it is in the buffer, and uncounted.
  [[nodiscard]] Task<Result<std::size_t>> read_exact_at(std::span<std::byte> buffer,
                                                        std::uint64_t offset) const;
  /// The same into a registered buffer.
  [[nodiscard]] Task<Result<std::size_t>> read_exact_at(RegisteredSpan buffer,
                                                        std::uint64_t offset) const;
  /// Writes all of the buffer. EIO: the file takes no more and gives no reason.
  [[nodiscard]] Task<Result<void>> write_all_at(std::span<const std::byte> buffer,
                                                std::uint64_t offset) const;
  /// The same from a registered buffer.
  [[nodiscard]] Task<Result<void>> write_all_at(RegisteredSpan buffer, std::uint64_t offset) const;
  /// The same with any number of pieces, of any length. The pieces are used up on the way: in the
  /// end they name what was not transferred.
  [[nodiscard]] Task<Result<std::size_t>> read_exact_vector_at(std::span<iovec> pieces,
                                                               std::uint64_t offset) const;
  /// Writes all pieces in order; they are changed on the way. As write_all_at() otherwise.
  [[nodiscard]] Task<Result<void>> write_all_vector_at(std::span<iovec> pieces,
                                                       std::uint64_t offset) const;

  /// Reads at once what the page cache holds (preadv2(2), RWF_NOWAIT). EAGAIN: it would wait for
  /// the disk; read_at() does, without holding up the shard.
  [[nodiscard]] Result<std::size_t> try_read_at(Reactor& reactor, std::span<std::byte> buffer,
                                                std::uint64_t offset) const noexcept;
  /// Asks the kernel to begin reading a range into the page cache (readahead(2)). Only a hint.
  void read_ahead(std::uint64_t offset, std::size_t length) const noexcept;
  /// Tells the kernel how a range will be used; see AdviseRequest. posix_fadvise(2), Linux 5.6.
  [[nodiscard]] Operation<AdviseRequest> advise(std::uint64_t offset, std::uint64_t length,
                                                int advice) const noexcept {
    return Operation(AdviseRequest(descriptor(), offset, length, advice));
  }

  /// fsync(2), Linux 5.1.
  [[nodiscard]] Operation<SyncRequest> sync() const noexcept {
    return Operation(SyncRequest(descriptor(), false));
  }
  /// fdatasync(2), Linux 5.1.
  [[nodiscard]] Operation<SyncRequest> sync_data() const noexcept {
    return Operation(SyncRequest(descriptor(), true));
  }
  /// Makes room for, punches out or zeroes a range: fallocate(2), with `mode` as there. EOPNOTSUPP:
  /// the file system has no such mode. Linux 5.6.
  [[nodiscard]] Operation<AllocateRequest> allocate(int mode, std::uint64_t offset,
                                                    std::uint64_t length) const noexcept {
    return Operation(AllocateRequest(descriptor(), mode, offset, length));
  }
  /// Cuts or extends the file: ftruncate(2). EOPNOTSUPP before Linux 6.9; the other one then.
  [[nodiscard]] Operation<TruncateRequest> truncate(std::uint64_t size_bytes) const noexcept {
    return Operation(TruncateRequest(descriptor(), size_bytes));
  }
  /// The same on every kernel: through the ring where it can, otherwise by ftruncate(2) on a thread
  /// of the pool, which cannot be cancelled once it is queued (EAGAIN: the pool's queue is full).
  [[nodiscard]] Task<Result<void>> truncate(std::uint64_t size_bytes, BlockingPool& pool) const;

  /// fstat(2), called directly: of an open file it never waits, and the ring would hand it to a
  /// worker thread at ten times the cost.
  [[nodiscard]] Result<FileStatus> status() const noexcept;
};

}  // namespace sluice
