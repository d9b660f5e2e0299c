#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <sluice/descriptor.hpp>
#include <sluice/registered_buffers.hpp>
#include <sluice/request.hpp>

/// Operations on open files; request.hpp says how a request is used. Each takes a file descriptor
/// or a direct descriptor, and ends with EBADF when that is not open, or belongs to another ring.
///
/// All can be cancelled. What a worker of the kernel's has begun (fsync, fallocate, ftruncate,
/// splice, and a read or write that waits for the disk) usually runs to its end all the same, and
/// the operation then gives its result.
namespace sluice {

/// pread(2), Linux 5.6. Short at the end of the file, 0 at or past it. EINVAL: an offset that no
/// file has.
struct ReadRequest : CountResult, OnDescriptor {
  std::span<std::byte> buffer;
  std::uint64_t offset;
  ReadRequest(Descriptor fd_in, std::span<std::byte> buffer_in, std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return transfer(Opcode::read, offset, buffer.data(), transfer_length(buffer.size()));
  }
};

/// pwrite(2), Linux 5.6. May write less than asked.
struct WriteRequest : CountResult, OnDescriptor {
  std::span<const std::byte> buffer;
  std::uint64_t offset;
  WriteRequest(Descriptor fd_in, std::span<const std::byte> buffer_in,
               std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return transfer(Opcode::write, offset, buffer.data(), transfer_length(buffer.size()));
  }
};

/// preadv(2), Linux 5.1. The pieces are filled in order; they, and what they name, must stay valid
/// until the operation completes. More than kMostPieces, or than kMaxTransferBytes in all, are
/// served in part.
struct ReadVectorRequest : CountResult, OnDescriptor {
  std::span<const iovec> pieces;
  std::uint64_t offset;
  ReadVectorRequest(Descriptor fd_in, std::span<const iovec> pieces_in,
                    std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), pieces(pieces_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return transfer(Opcode::readv, offset, pieces.data(),
                    static_cast<std::uint32_t>(std::min(pieces.size(), kMostPieces)));
  }
};

/// pwritev(2), Linux 5.1; otherwise as ReadVectorRequest.
struct WriteVectorRequest : CountResult, OnDescriptor {
  std::span<const iovec> pieces;
  std::uint64_t offset;
  WriteVectorRequest(Descriptor fd_in, std::span<const iovec> pieces_in,
                     std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), pieces(pieces_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return transfer(Opcode::writev, offset, pieces.data(),
                    static_cast<std::uint32_t>(std::min(pieces.size(), kMostPieces)));
  }
};

/// pread(2) into a registered buffer, Linux 5.1. EFAULT: the buffer is another ring's.
struct ReadFixedRequest : CountResult, OnDescriptor {
  RegisteredSpan buffer;
  std::uint64_t offset;
  ReadFixedRequest(Descriptor fd_in, RegisteredSpan buffer_in, std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    Submission entry =
        transfer(Opcode::read_fixed, offset, buffer.bytes().data(), transfer_length(buffer.size()));
    entry.buffer = buffer.index();
    return entry;
  }
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    const int error = buffer.refusal(ring);
    return error != 0 ? error : fd.refusal(ring);
  }
};

/// pwrite(2) from a registered buffer, Linux 5.1. EFAULT: the buffer is another ring's.
struct WriteFixedRequest : CountResult, OnDescriptor {
  RegisteredSpan buffer;
  std::uint64_t offset;
  WriteFixedRequest(Descriptor fd_in, RegisteredSpan buffer_in, std::uint64_t offset_in) noexcept
      : OnDescriptor(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    Submission entry = transfer(Opcode::write_fixed, offset, buffer.bytes().data(),
                                transfer_length(buffer.size()));
    entry.buffer = buffer.index();
    return entry;
  }
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    const int error = buffer.refusal(ring);
    return error != 0 ? error : fd.refusal(ring);
  }
};

/// fsync(2), or fdatasync(2) when `data_only`, Linux 5.1. Always runs on a worker of the kernel's.
struct SyncRequest : VoidResult, OnDescriptor {
  bool data_only;
  SyncRequest(Descriptor fd_in, bool data_only_in) noexcept
      : OnDescriptor(fd_in), data_only(data_only_in) {}
  Submission prepare() noexcept {
    constexpr std::uint32_t kDataOnly = 1;  // IORING_FSYNC_DATASYNC
    Submission entry = entry_of(Opcode::fsync);
    entry.operation_flags = data_only ? kDataOnly : 0;
    return entry;
  }
};

/// fallocate(2), Linux 5.6. `mode` as there: 0 or FALLOC_FL_*. Always runs on a worker of the
/// kernel's. EFBIG or EINVAL: the range ends beyond the largest offset.
struct AllocateRequest : VoidResult, OnDescriptor {
  int mode;
  std::uint64_t offset;
  std::uint64_t length;
  AllocateRequest(Descriptor fd_in, int mode_in, std::uint64_t offset_in,
                  std::uint64_t length_in) noexcept
      : OnDescriptor(fd_in), mode(mode_in), offset(offset_in), length(length_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::fallocate);
    entry.offset = file_offset(offset);
    entry.address = file_offset(length);
    entry.length = static_cast<std::uint32_t>(mode);
    return entry;
  }
};

/// ftruncate(2), Linux 6.9: EOPNOTSUPP before. EFBIG: a size that no file has. Always runs on a
/// worker of the kernel's.
struct TruncateRequest : VoidResult, OnDescriptor {
  std::uint64_t size;
  TruncateRequest(Descriptor fd_in, std::uint64_t size_in) noexcept
      : OnDescriptor(fd_in), size(size_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::ftruncate);
    entry.offset = file_offset(size);
    return entry;
  }
  /// Also the refusal for a size alone, for ftruncate(2) called elsewhere.
  [[nodiscard]] static int refusal_of_size(std::uint64_t size) noexcept {
    return size != file_offset(size) ? EFBIG : 0;
  }
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    if (const int error = fd.refusal(ring); error != 0) {
      return error;
    }
    return ring.supports(Opcode::ftruncate) ? refusal_of_size(size) : EOPNOTSUPP;
  }
};

/// posix_fadvise(2), Linux 5.6. `length` 0: to the end of the file. More than 4 GiB are cut to
/// that, the reach of the entry's field: it is only a hint. `advice` is POSIX_FADV_*;
/// POSIX_FADV_WILLNEED runs on a worker of the kernel's.
struct AdviseRequest : VoidResult, OnDescriptor {
  std::uint64_t offset;
  std::uint64_t length;
  int advice;
  AdviseRequest(Descriptor fd_in, std::uint64_t offset_in, std::uint64_t length_in,
                int advice_in) noexcept
      : OnDescriptor(fd_in), offset(offset_in), length(length_in), advice(advice_in) {}
  Submission prepare() noexcept {
    constexpr std::uint64_t kMost = 0xffff'f000;  // whole pages
    Submission entry = entry_of(Opcode::fadvise);
    entry.offset = file_offset(offset);
    entry.length = static_cast<std::uint32_t>(std::min(length, kMost));
    entry.operation_flags = static_cast<std::uint32_t>(advice);
    return entry;
  }
};

/// splice(2), Linux 5.7; see splice() in splice.hpp. No offset: a pipe, or the file's own position.
struct SpliceRequest : CountResult {
  Descriptor from;
  std::optional<std::uint64_t> from_offset;
  Descriptor to;
  std::optional<std::uint64_t> to_offset;
  std::size_t length;
  unsigned flags;  // SPLICE_F_*
  SpliceRequest(Descriptor from_in, std::optional<std::uint64_t> from_offset_in, Descriptor to_in,
                std::optional<std::uint64_t> to_offset_in, std::size_t length_in,
                unsigned flags_in) noexcept
      : from(from_in),
        from_offset(from_offset_in),
        to(to_in),
        to_offset(to_offset_in),
        length(length_in),
        flags(flags_in) {}
  Submission prepare() noexcept {
    constexpr std::uint32_t kFromIsDirect = 1U << 31;  // SPLICE_F_FD_IN_FIXED
    constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};
    return {.opcode = Opcode::splice,
            .flags = to.submission_flags(),
            .fd = to.number(),
            .offset = to_offset ? file_offset(*to_offset) : kNoOffset,
            .address = from_offset ? file_offset(*from_offset) : kNoOffset,
            .length = transfer_length(length),
            .operation_flags = flags | (from.is_direct() ? kFromIsDirect : 0),
            .file_index = from.number()};
  }
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    const int error = from.refusal(ring);
    return error != 0 ? error : to.refusal(ring);
  }
};

}  // namespace sluice
