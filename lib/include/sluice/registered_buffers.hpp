#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sluice/capabilities.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/metrics.hpp>
#include <sluice/ring.hpp>

namespace sluice {

class RegisteredBuffers;

/// Bytes of a registered buffer, as File::read_at() and write_at() take them. A value: the lease
/// keeps the buffer.
class RegisteredSpan {
 public:
  /// The bytes, for the program.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// How many there are.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  /// The buffer's number in the table of its ring.
  [[nodiscard]] std::uint16_t index() const noexcept { return index_; }
  /// The first `count` bytes, or what lies behind the first `offset` bytes; as with std::span, both
  /// must be at most size().
  [[nodiscard]] RegisteredSpan first(std::size_t count) const noexcept {
    return {ring_, index_, bytes_.first(count)};
  }
  /// What begins at `offset`, which is not beyond the end.
  [[nodiscard]] RegisteredSpan subspan(std::size_t offset) const noexcept {
    return {ring_, index_, bytes_.subspan(offset)};
  }
  /// 0, or EFAULT, as the kernel answers for a buffer it does not know: when it is registered with
  /// another ring, where its number names other memory, or comes from an empty lease.
  SLUICE_API [[nodiscard]] int refusal(const Ring& ring) const noexcept;

 private:
  friend class RegisteredLease;
  RegisteredSpan(const Ring* ring, std::uint16_t index, std::span<std::byte> bytes) noexcept
      : ring_(ring), index_(index), bytes_(bytes) {}
  const Ring* ring_;
  std::uint16_t index_;
  std::span<std::byte> bytes_;
};

/// One buffer of a RegisteredBuffers; gives itself back. It must be kept until every operation on
/// it is complete.
class SLUICE_API RegisteredLease {
 public:
  RegisteredLease() noexcept = default;
  RegisteredLease(RegisteredLease&& other) noexcept
      : set_(std::exchange(other.set_, nullptr)), index_(other.index_) {}
  RegisteredLease& operator=(RegisteredLease&& other) noexcept {
    if (this != &other) {
      give_back();
      set_ = std::exchange(other.set_, nullptr);
      index_ = other.index_;
    }
    return *this;
  }
  RegisteredLease(const RegisteredLease&) = delete;
  RegisteredLease& operator=(const RegisteredLease&) = delete;
  ~RegisteredLease() { give_back(); }

  /// Whether it holds a buffer.
  [[nodiscard]] explicit operator bool() const noexcept { return set_ != nullptr; }
  /// The bytes, for the program.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return span().bytes(); }
  /// All of it; of an empty lease, a span that every operation refuses.
  [[nodiscard]] RegisteredSpan span() const noexcept;
  /// All of it, for an operation.
  operator RegisteredSpan() const noexcept { return span(); }
  /// Gives the buffer back before its time. No operation may be in flight on it.
  void give_back() noexcept;

 private:
  friend class RegisteredBuffers;
  RegisteredLease(RegisteredBuffers& set, std::uint16_t index) noexcept
      : set_(&set), index_(index) {}
  RegisteredBuffers* set_ = nullptr;
  std::uint16_t index_ = 0;
};

/// Buffers of one size, aligned to pages, that the kernel has mapped and pinned once
/// (io_uring_register_buffers(3)), so that reads and writes with them (READ_FIXED, WRITE_FIXED)
/// spare it doing so each time. That pays with O_DIRECT; through the page cache there is little in
/// it. Linux 5.1.
///
/// The memory is locked: it counts against RLIMIT_MEMLOCK of the user, for all its rings together,
/// unless the process has CAP_IPC_LOCK.
///
/// One for each ring. Belongs to the ring's thread, and must be destroyed before the ring.
class SLUICE_API RegisteredBuffers {
 public:
  /// The most that the kernel registers for one ring.
  static constexpr std::size_t kMostBuffers = 16384;
  /// The largest that it takes (IORING_REGISTER_BUFFERS).
  static constexpr std::size_t kLargestBuffer = std::size_t{1} << 30;

  /// `count` buffers of `buffer_bytes` each, rounded up to whole pages. The error says in a
  /// sentence what to do: ENOMEM names the need and the limit, EBUSY that the ring has registered
  /// buffers already, EINVAL a size or number out of bounds. Blocks; for start-up.
  [[nodiscard]] static std::expected<std::unique_ptr<RegisteredBuffers>, SetupError> create(
      Ring& ring, std::size_t buffer_bytes, std::size_t count);
  RegisteredBuffers(const RegisteredBuffers&) = delete;
  RegisteredBuffers& operator=(const RegisteredBuffers&) = delete;
  /// Aborts if a lease is still out: the kernel may be writing into it.
  ~RegisteredBuffers();

  /// A buffer, or none when all are out. Allocates nothing.
  [[nodiscard]] std::optional<RegisteredLease> take() noexcept;

  /// How large each is.
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  /// How many are lent at the moment.
  [[nodiscard]] const Gauge& in_use() const noexcept { return in_use_; }
  /// How often there was none.
  [[nodiscard]] const Counter& exhausted() const noexcept { return exhausted_; }

 private:
  friend class RegisteredLease;
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::align_val_t kAlignment{kPageBytes};
  struct Release {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, kAlignment); }
  };

  RegisteredBuffers(Ring& ring, std::size_t buffer_bytes, std::size_t count);
  [[nodiscard]] int register_all() noexcept;
  [[nodiscard]] std::span<std::byte> buffer(std::size_t index) const noexcept {
    return {memory_.get() + index * buffer_bytes_, buffer_bytes_};
  }

  Ring& ring_;
  std::size_t buffer_bytes_;
  std::size_t count_;
  std::unique_ptr<std::byte, Release> memory_;
  std::vector<std::uint16_t> free_;  // numbers of buffers; has room for all
  bool is_registered_ = false;
  Gauge in_use_;
  Counter exhausted_;
};

}  // namespace sluice
