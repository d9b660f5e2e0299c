#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sluice/detail/api.hpp>

namespace sluice::detail {

/// Where coroutine frames live: free lists by size, one pool for each thread, so that awaiting a
/// child task allocates nothing once a shard has warmed up. A frame that is destroyed on another
/// thread than it was made on moves to that thread's pool: blocks are not tied to their first one.
///
/// Thread-local because operator new of a promise has nothing else to go by. Under AddressSanitizer
/// every frame is a block of its own, so that a use after its end is seen.
class SLUICE_API FramePool {
 public:
  FramePool() noexcept = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  [[nodiscard]] static FramePool& of_this_thread() noexcept;

  [[nodiscard]] void* allocate(std::size_t bytes);
  void release(void* frame, std::size_t bytes) noexcept;

  /// Frames made by this thread less frames destroyed by it.
  [[nodiscard]] std::int64_t alive() const noexcept { return alive_; }

 private:
  static constexpr std::size_t kGranule = 64;
  static constexpr std::size_t kClasses = 32;  // frames of up to 2 KiB; larger ones are not kept
  static constexpr std::uint32_t kMostKept = 256;  // of each size

  struct FreeBlock {
    FreeBlock* next;
  };
  struct SizeClass {
    FreeBlock* first = nullptr;
    std::uint32_t kept = 0;
  };

  std::array<SizeClass, kClasses> classes_{};
  std::int64_t alive_ = 0;
};

}  // namespace sluice::detail
