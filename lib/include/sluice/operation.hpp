#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <sluice/detail/api.hpp>
#include <sluice/ring.hpp>

namespace sluice {

/// Names one operation in flight: a place in the reactor's table and the generation of that place.
/// A stale id names nothing: the generation has moved on. Ids belong to one reactor.
struct OperationId {
  /// The place in the reactor's table.
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // 0 is never handed out

  /// Whether it was handed out; it may be stale all the same.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return generation != 0; }
  /// The same operation of the same reactor.
  friend constexpr bool operator==(OperationId, OperationId) noexcept = default;

  /// As it travels through the kernel, in the user_data of entries.
  [[nodiscard]] constexpr std::uint64_t to_user_data() const noexcept {
    return (std::uint64_t{generation} << 32) | slot;
  }
  /// The way back from to_user_data().
  [[nodiscard]] static constexpr OperationId from_user_data(std::uint64_t user_data) noexcept {
    return {static_cast<std::uint32_t>(user_data), static_cast<std::uint32_t>(user_data >> 32)};
  }
};

/// What came of an operation: a count or a descriptor, or a negative errno, and the ring's flags.
struct Completion {
  /// What the system call of the same name would return, an error as a negative errno.
  std::int32_t result = 0;
  /// IORING_CQE_F_* (kCompletionMore and the others of ring.hpp).
  std::uint32_t flags = 0;

  /// The last completion of its operation: the kernel is done with its buffers.
  [[nodiscard]] bool is_final() const noexcept { return (flags & kCompletionMore) == 0; }
};

/// Is told when an operation completes. Called on the reactor's thread from Reactor::wait(), after
/// the completion queue has been advanced; it may register and cancel operations. Called at least
/// once for each operation registered, with is_final() true exactly once, at the end.
class SLUICE_API Waker {
 public:
  /// Must not wait, and must not call Reactor::wait().
  virtual void wake(Completion completion) noexcept = 0;

 protected:
  ~Waker() = default;
};

/// What operations are counted as. Fewer than opcodes: one for each thing an operator asks about.
enum class OperationKind : std::uint8_t {
  accept,
  receive,
  send,
  read,
  write,
  open,
  close,
  stat,
  sync,
  poll,
  connect,
  wake,  // the reactor's own read of its wake-up descriptor
  other,
};
/// How many kinds there are.
inline constexpr std::size_t kOperationKindCount = 13;

namespace detail {

// A table, since the switch that it would be is an indirect jump for each operation.
inline constexpr auto kKindOfOpcode = [] {
  std::array<OperationKind, 256> kinds{};
  kinds.fill(OperationKind::other);
  const auto count_as = [&kinds](OperationKind kind, std::initializer_list<Opcode> opcodes) {
    for (const Opcode opcode : opcodes) {
      kinds[static_cast<std::size_t>(opcode)] = kind;
    }
  };
  using enum Opcode;
  count_as(OperationKind::accept, {accept});
  count_as(OperationKind::receive, {receive, recvmsg});
  count_as(OperationKind::send, {send, sendmsg, send_zero_copy, sendmsg_zero_copy, send_file});
  count_as(OperationKind::read, {read, readv, read_fixed});
  count_as(OperationKind::write, {write, writev, write_fixed});
  count_as(OperationKind::open, {openat2});
  count_as(OperationKind::close, {close});
  count_as(OperationKind::stat, {statx});
  count_as(OperationKind::sync, {fsync});
  count_as(OperationKind::poll, {poll_add, poll_remove});
  count_as(OperationKind::connect, {connect});
  return kinds;
}();

}  // namespace detail

/// The kind that an opcode is counted as.
[[nodiscard]] constexpr OperationKind kind_of(Opcode opcode) noexcept {
  return detail::kKindOfOpcode[static_cast<std::size_t>(opcode)];
}
/// The label of a metric: "accept", "receive", ...
SLUICE_API [[nodiscard]] const char* name_of(OperationKind kind) noexcept;

}  // namespace sluice
