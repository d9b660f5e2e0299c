#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include <sluice/awaitable.hpp>
#include <sluice/result.hpp>
#include <sluice/ring.hpp>
#include <sluice/unique_fd.hpp>

/// What the requests of file_requests.hpp, path_requests.hpp and socket_requests.hpp are made of,
/// and those that suit any descriptor. A request is an operation as a value: the one place where it
/// is prepared and completed. File, Socket and the others wrap them; code that has a bare
/// descriptor can await them directly, as in `co_await Operation(ReadRequest{fd, buffer, 0})`.
namespace sluice {

/// The most bytes of one read, write, receive or send: the kernel's own limit (read(2)). A longer
/// span is served in part; the count tells.
inline constexpr std::size_t kMaxTransferBytes = 0x7ffff000;
/// The most pieces of one vectored operation: IOV_MAX, the kernel's own limit (readv(2),
/// sendmsg(2)). Of more, a read or write serves these and tells by its count; a message fails with
/// EMSGSIZE.
inline constexpr std::size_t kMostPieces = 1024;

/// A pointer as an entry holds it.
[[nodiscard]] inline std::uint64_t address_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uint64_t>(pointer);
}
/// A length as an entry holds it: cut to kMaxTransferBytes.
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

/// close(2) on the ring. The descriptor's number is free whatever the result says.
struct CloseRequest : VoidResult {
  int fd;
  explicit CloseRequest(int fd_in) noexcept : fd(fd_in) {}
  Submission prepare() noexcept { return {.opcode = Opcode::close, .fd = fd}; }
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
