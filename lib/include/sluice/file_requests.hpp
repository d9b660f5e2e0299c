#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sluice/request.hpp>

/// Operations on open files; request.hpp says how a request is used.
namespace sluice {

/// pread(2). Short at the end of the file, 0 at or past it.
struct ReadRequest : CountResult {
  int fd;
  std::span<std::byte> buffer;
  std::uint64_t offset;
  ReadRequest(int fd_in, std::span<std::byte> buffer_in, std::uint64_t offset_in) noexcept
      : fd(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::read,
            .fd = fd,
            .offset = file_offset(offset),
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size())};
  }
};

/// pwrite(2). May write less than asked.
struct WriteRequest : CountResult {
  int fd;
  std::span<const std::byte> buffer;
  std::uint64_t offset;
  WriteRequest(int fd_in, std::span<const std::byte> buffer_in, std::uint64_t offset_in) noexcept
      : fd(fd_in), buffer(buffer_in), offset(offset_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::write,
            .fd = fd,
            .offset = file_offset(offset),
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size())};
  }
};

/// fsync(2), or fdatasync(2) when `data_only`. Always runs on a worker of the kernel's.
struct SyncRequest : VoidResult {
  int fd;
  bool data_only;
  SyncRequest(int fd_in, bool data_only_in) noexcept : fd(fd_in), data_only(data_only_in) {}
  Submission prepare() noexcept {
    constexpr std::uint32_t kDataOnly = 1;  // IORING_FSYNC_DATASYNC
    return {.opcode = Opcode::fsync, .fd = fd, .operation_flags = data_only ? kDataOnly : 0};
  }
};

}  // namespace sluice
