#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <sluice/awaitable.hpp>
#include <sluice/descriptor.hpp>
#include <sluice/direct_files.hpp>
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

/// The result is a place in a table of direct descriptors, owned from here on. One is reserved for
/// as long as the operation is in flight. ENFILE: the table is full. EBADF: it is another ring's.
struct DirectResult {
  /// Which table; it must outlive the operation.
  DirectFiles* table;
  /// Whether a place is reserved, which prepare() does.
  bool is_reserved = false;
  /// Puts the descriptor into a place of `table_in`.
  explicit DirectResult(DirectFiles& table_in) noexcept : table(&table_in) {}
  /// EBADF, ENFILE, or 0: nothing is begun that would find no place.
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    if (&table->ring() != &ring) {
      return EBADF;
    }
    return table->available() == 0 ? ENFILE : 0;
  }
  Result<DirectDescriptor> finish(Completion completion) noexcept {
    if (std::exchange(is_reserved, false)) {
      table->unreserve(1);
    }
    if (completion.result < 0) {
      return failure(-completion.result);
    }
    return table->adopt(static_cast<unsigned>(completion.result));
  }

 protected:
  /// The same entry with its result in a place of the kernel's choice.
  [[nodiscard]] Submission into_table(Submission entry) noexcept {
    is_reserved = table->reserve(1);
    entry.file_index = kDirectDescriptorAny;
    return entry;
  }
};

/// What the requests on one descriptor share.
struct OnDescriptor {
  /// What it is done to.
  Descriptor fd;
  /// Takes a descriptor of the process, or a direct one.
  explicit OnDescriptor(Descriptor fd_in) noexcept : fd(fd_in) {}
  /// EBADF for a direct descriptor of another ring: there its number may name another file.
  [[nodiscard]] int refusal(const Ring& ring) const noexcept { return fd.refusal(ring); }

 protected:
  /// An entry for this descriptor with nothing else in it.
  [[nodiscard]] Submission entry_of(Opcode opcode) const noexcept {
    return {.opcode = opcode, .flags = fd.submission_flags(), .fd = fd.number()};
  }
  /// An entry that receives or sends: a buffer of `length` bytes, or one message header.
  [[nodiscard]] Submission message(Opcode opcode, const void* address, std::uint32_t length,
                                   int flags) const noexcept {
    Submission entry = entry_of(opcode);
    entry.address = address_of(address);
    entry.length = length;
    entry.operation_flags = static_cast<std::uint32_t>(flags);
    return entry;
  }
  /// An entry that moves `length` bytes, or pieces, at an offset of the file.
  [[nodiscard]] Submission transfer(Opcode opcode, std::uint64_t offset, const void* address,
                                    std::uint32_t length) const noexcept {
    Submission entry = entry_of(opcode);
    entry.offset = file_offset(offset);
    entry.address = address_of(address);
    entry.length = length;
    return entry;
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

/// close(2) of a descriptor that the request owns. It is closed whatever the result says: when the
/// operation cannot be registered, or is never awaited, then at once and on the calling thread.
/// Not cancellable: closing is what cancelled work must still be able to do.
struct OwnedCloseRequest {
  OwnedDescriptor owned;
  DirectFiles* emptied = nullptr;  // the table in which a place is reserved meanwhile
  explicit OwnedCloseRequest(OwnedDescriptor owned_in) noexcept : owned(std::move(owned_in)) {}
  Submission prepare() noexcept {
    const Descriptor descriptor = owned.get();
    Submission entry{.opcode = Opcode::close};
    if (descriptor.is_direct()) {
      entry.fd = 0;
      entry.file_index = descriptor.number() + 1;  // 0 means that `fd` is what to close
    } else {
      entry.fd = descriptor.number();
    }
    return entry;
  }
  [[nodiscard]] int refusal(const Ring& ring) const noexcept { return owned.get().refusal(ring); }
  void submitted() noexcept { emptied = owned.release(); }
  Result<void> finish(Completion completion) noexcept {
    if (DirectFiles* table = std::exchange(emptied, nullptr); table != nullptr) {
      table->unreserve(1);
    }
    return success_or_error(completion.result);
  }
};

/// Waits for readiness once: `events` as in poll(2). The result is the events that came.
struct PollRequest : CountResult, OnDescriptor {
  std::uint32_t events;
  PollRequest(Descriptor fd_in, std::uint32_t events_in) noexcept
      : OnDescriptor(fd_in), events(events_in) {}
  Submission prepare() noexcept {
    Submission entry = entry_of(Opcode::poll_add);
    entry.operation_flags = events;
    return entry;
  }
};

}  // namespace sluice
