#pragma once

#include <linux/openat2.h>
#include <linux/stat.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include <sluice/awaitable.hpp>
#include <sluice/result.hpp>
#include <sluice/ring.hpp>
#include <sluice/unique_fd.hpp>

struct sockaddr;

/// The operations as values: the one place where each is prepared and completed. File, Socket and
/// the others wrap them; code that has a bare descriptor can await them directly, as in
/// `co_await Operation(ReadRequest{fd, buffer, 0})`.
namespace sluice {

/// The most bytes of one read, write, receive or send: the kernel's own limit (read(2)). A longer
/// span is served in part; the count tells.
inline constexpr std::size_t kMaxTransferBytes = 0x7ffff000;

[[nodiscard]] inline std::uint64_t address_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uint64_t>(pointer);
}
[[nodiscard]] inline std::uint32_t transfer_length(std::size_t bytes) noexcept {
  return static_cast<std::uint32_t>(std::min(bytes, kMaxTransferBytes));
}

/// An offset as the kernel takes it. Beyond the largest one a file can have it would be read as a
/// negative number, of which -1 means the file's own position; the largest is refused instead.
[[nodiscard]] inline std::uint64_t file_offset(std::uint64_t offset) noexcept {
  return std::min<std::uint64_t>(offset, std::numeric_limits<std::int64_t>::max());
}

/// The result is a count of bytes.
struct CountResult {
  Result<std::size_t> finish(Completion completion) noexcept {
    return count_or_error(completion.result);
  }
};
/// The result is success or an error.
struct VoidResult {
  Result<void> finish(Completion completion) noexcept {
    return success_or_error(completion.result);
  }
};
/// The result is a descriptor, owned from here on.
struct DescriptorResult {
  Result<UniqueFd> finish(Completion completion) noexcept {
    if (completion.result < 0) {
      return failure(-completion.result);
    }
    return UniqueFd(completion.result);
  }
};

/// Completes at once; for measuring the loop itself.
struct NopRequest : VoidResult {
  Submission prepare() noexcept { return {}; }
};

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

/// openat2(2). `path` must stay valid until the operation completes.
struct OpenRequest : DescriptorResult {
  int directory_fd;
  const char* path;
  open_how how;
  OpenRequest(int directory_fd_in, const char* path_in, open_how how_in) noexcept
      : directory_fd(directory_fd_in), path(path_in), how(how_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::openat2,
            .fd = directory_fd,
            .offset = address_of(&how),
            .address = address_of(path),
            .length = sizeof(how)};
  }
};

/// close(2) on the ring. The descriptor's number is free whatever the result says.
struct CloseRequest : VoidResult {
  int fd;
  explicit CloseRequest(int fd_in) noexcept : fd(fd_in) {}
  Submission prepare() noexcept { return {.opcode = Opcode::close, .fd = fd}; }
};

/// recv(2). 0: the peer has finished sending.
struct ReceiveRequest : CountResult {
  int fd;
  std::span<std::byte> buffer;
  ReceiveRequest(int fd_in, std::span<std::byte> buffer_in) noexcept
      : fd(fd_in), buffer(buffer_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::receive,
            .fd = fd,
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size())};
  }
};

/// send(2) with MSG_NOSIGNAL added to `flags`. May send less than asked.
struct SendRequest : CountResult {
  int fd;
  std::span<const std::byte> buffer;
  int flags;
  SendRequest(int fd_in, std::span<const std::byte> buffer_in, int flags_in) noexcept;
  Submission prepare() noexcept {
    return {.opcode = Opcode::send,
            .fd = fd,
            .address = address_of(buffer.data()),
            .length = transfer_length(buffer.size()),
            .operation_flags = static_cast<std::uint32_t>(flags)};
  }
};

/// connect(2). The address must stay valid until the operation completes.
struct ConnectRequest : VoidResult {
  int fd;
  const sockaddr* address;
  std::uint32_t address_bytes;
  ConnectRequest(int fd_in, const sockaddr* address_in, std::uint32_t bytes_in) noexcept
      : fd(fd_in), address(address_in), address_bytes(bytes_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::connect,
            .fd = fd,
            .offset = address_bytes,
            .address = address_of(address)};
  }
};

/// Waits for readiness once: `events` as in poll(2). The result is the events that came.
struct PollRequest : CountResult {
  int fd;
  std::uint32_t events;
  PollRequest(int fd_in, std::uint32_t events_in) noexcept : fd(fd_in), events(events_in) {}
  Submission prepare() noexcept {
    return {.opcode = Opcode::poll_add, .fd = fd, .operation_flags = events};
  }
};

}  // namespace sluice
