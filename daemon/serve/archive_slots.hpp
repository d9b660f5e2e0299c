#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace sluiced::serve {

/// How many archives are made at the same time, in the whole process. All shards count in it, and
/// so does what takes its place when the configuration has changed.
class ArchiveSlots {
 public:
  explicit ArchiveSlots(std::uint32_t most)
      : most_(most), used_(std::make_shared<std::atomic<std::uint32_t>>(0)) {}
  /// Another limit on the same archives.
  ArchiveSlots(std::uint32_t most, const ArchiveSlots& predecessor) noexcept
      : most_(most), used_(predecessor.used_) {}
  ArchiveSlots(const ArchiveSlots&) = delete;
  ArchiveSlots& operator=(const ArchiveSlots&) = delete;

  /// One of them, held until it is destroyed.
  class Slot {
   public:
    Slot() noexcept = default;
    explicit Slot(ArchiveSlots& slots) noexcept : slots_(&slots) {}
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(slots_, other.slots_);
      return *this;
    }
    ~Slot() {
      if (slots_ != nullptr) {
        slots_->used_->fetch_sub(1, std::memory_order_relaxed);
      }
    }
    explicit operator bool() const noexcept { return slots_ != nullptr; }

   private:
    ArchiveSlots* slots_ = nullptr;
  };

  /// Nothing when all are taken.
  [[nodiscard]] Slot try_take() noexcept {
    if (used_->fetch_add(1, std::memory_order_relaxed) < most_) {
      return Slot(*this);
    }
    used_->fetch_sub(1, std::memory_order_relaxed);
    return {};
  }

 private:
  std::uint32_t most_;
  std::shared_ptr<std::atomic<std::uint32_t>> used_;
};

}  // namespace sluiced::serve
