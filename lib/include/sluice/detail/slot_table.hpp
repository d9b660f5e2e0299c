#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <sluice/clock.hpp>
#include <sluice/operation.hpp>

namespace sluice::detail {

inline constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();

/// One operation in flight, as the reactor knows it. 32 bytes: two share a cache line.
struct Slot {
  enum class State : std::uint8_t {
    free,
    parked,     // waiting for room in the queues; the kernel has not seen it
    in_flight,  // the kernel has it, or will at the next enter
  };

  Waker* waker = nullptr;
  TimePoint registered_at{};  // or last completed, of one that goes on after that
  std::uint32_t generation = 0;
  std::uint32_t link = kNoSlot;  // the next free slot, of one that is free
  OperationKind kind = OperationKind::other;
  State state = State::free;
  bool cancel_requested = false;
};

/// The waiters by operation id: a table that grows in pieces up to a limit, so that its slots never
/// move, with a list of free slots. A slot's generation is odd while it is taken, and moves on when
/// it is freed: an old id then matches nothing.
class SlotTable {
 public:
  explicit SlotTable(std::uint32_t limit) noexcept : limit_(limit) {}

  /// A slot that is now taken, with its id, or neither when the limit is reached.
  struct Taken {
    OperationId id;
    Slot* slot = nullptr;
  };
  [[nodiscard]] Taken acquire();
  /// Gives back the slot that `id` names.
  void release(OperationId id, Slot& slot) noexcept;
  /// The slot of an id; null when the id is stale.
  [[nodiscard]] Slot* find(OperationId id) noexcept {
    if (id.slot >= size_) {
      return nullptr;
    }
    Slot& slot = at(id.slot);
    return slot.generation == id.generation && slot.state != Slot::State::free ? &slot : nullptr;
  }
  [[nodiscard]] Slot& at(std::uint32_t index) noexcept {
    return pieces_[index / kPieceSize][index % kPieceSize];
  }
  /// Slots that were ever used: at(0) .. at(size() - 1) exist.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }

 private:
  static constexpr std::uint32_t kPieceSize = 1024;

  [[nodiscard]] bool use_another();

  std::vector<std::unique_ptr<Slot[]>> pieces_;
  std::uint32_t limit_;
  std::uint32_t size_ = 0;
  std::uint32_t in_use_ = 0;
  std::uint32_t first_free_ = kNoSlot;
};

inline SlotTable::Taken SlotTable::acquire() {
  if (first_free_ == kNoSlot && !use_another()) [[unlikely]] {
    return {};
  }
  const std::uint32_t index = first_free_;
  Slot& slot = at(index);
  first_free_ = slot.link;
  ++slot.generation;
  ++in_use_;
  return {{index, slot.generation}, &slot};
}

inline void SlotTable::release(OperationId id, Slot& slot) noexcept {
  ++slot.generation;
  slot.waker = nullptr;
  slot.state = Slot::State::free;
  slot.cancel_requested = false;
  slot.link = first_free_;
  first_free_ = id.slot;
  --in_use_;
}

// Puts a slot that was never used on the empty list of free ones; false at the limit. Rare, and
// kept out of every place that registers an operation.
[[gnu::cold, gnu::noinline]] inline bool SlotTable::use_another() {
  if (size_ == limit_) {
    return false;
  }
  if (size_ % kPieceSize == 0) {
    pieces_.push_back(std::make_unique<Slot[]>(kPieceSize));
  }
  first_free_ = size_++;
  return true;
}

}  // namespace sluice::detail
