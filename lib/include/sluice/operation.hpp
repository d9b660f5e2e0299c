#pragma once

#include <cstdint>

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

/// The kind that an opcode is counted as.
[[nodiscard]] constexpr OperationKind kind_of(Opcode opcode) noexcept {
  switch (opcode) {
    case Opcode::accept:
      return OperationKind::accept;
    case Opcode::receive:
    case Opcode::recvmsg:
      return OperationKind::receive;
    case Opcode::send:
    case Opcode::sendmsg:
    case Opcode::send_zero_copy:
    case Opcode::sendmsg_zero_copy:
    case Opcode::send_file:
      return OperationKind::send;
    case Opcode::read:
    case Opcode::readv:
    case Opcode::read_fixed:
      return OperationKind::read;
    case Opcode::write:
    case Opcode::writev:
    case Opcode::write_fixed:
      return OperationKind::write;
    case Opcode::openat2:
      return OperationKind::open;
    case Opcode::close:
      return OperationKind::close;
    case Opcode::statx:
      return OperationKind::stat;
    case Opcode::fsync:
      return OperationKind::sync;
    case Opcode::poll_add:
    case Opcode::poll_remove:
      return OperationKind::poll;
    case Opcode::connect:
      return OperationKind::connect;
    default:
      return OperationKind::other;
  }
}
/// The label of a metric: "accept", "receive", ...
SLUICE_API [[nodiscard]] const char* name_of(OperationKind kind) noexcept;

}  // namespace sluice
