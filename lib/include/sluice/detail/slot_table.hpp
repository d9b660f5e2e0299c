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
  TimePoint registered_at{};
  std::uint32_t generation = 0;
  std::uint32_t link = kNoSlot;  // free: the next free slot; parked: its place in the parked list
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

  /// The id of a slot that is now taken, or no id when the limit is reached.
  [[nodiscard]] OperationId acquire();
  void release(OperationId id) noexcept;
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

  std::vector<std::unique_ptr<Slot[]>> pieces_;
  std::uint32_t limit_;
  std::uint32_t size_ = 0;
  std::uint32_t in_use_ = 0;
  std::uint32_t first_free_ = kNoSlot;
};

inline OperationId SlotTable::acquire() {
  std::uint32_t index = first_free_;
  if (index == kNoSlot) {
    if (size_ == limit_) {
      return {};
    }
    if (size_ % kPieceSize == 0) {
      pieces_.push_back(std::make_unique<Slot[]>(kPieceSize));
    }
    index = size_++;
  } else {
    first_free_ = at(index).link;
  }
  Slot& slot = at(index);
  ++slot.generation;
  slot.link = kNoSlot;
  ++in_use_;
  return {index, slot.generation};
}

inline void SlotTable::release(OperationId id) noexcept {
  Slot& slot = at(id.slot);
  ++slot.generation;
  slot.waker = nullptr;
  slot.state = Slot::State::free;
  slot.cancel_requested = false;
  slot.link = first_free_;
  first_free_ = id.slot;
  --in_use_;
}

}  // namespace sluice::detail
