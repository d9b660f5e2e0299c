#include <sluice/detail/frame_pool.hpp>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_KEEP_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_KEEP_FRAMES 0
#endif
#endif
#ifndef SLUICE_KEEP_FRAMES
#define SLUICE_KEEP_FRAMES 1
#endif

namespace sluice::detail {

FramePool& FramePool::of_this_thread() noexcept {
  thread_local FramePool pool;
  return pool;
}

FramePool::~FramePool() {
  for (SizeClass& size_class : classes_) {
    while (size_class.first != nullptr) {
      FreeBlock* block = size_class.first;
      size_class.first = block->next;
      ::operator delete(block);
    }
  }
}

void* FramePool::allocate(std::size_t bytes) {
  ++alive_;
  const std::size_t index = (bytes - 1) / kGranule;
  if (SLUICE_KEEP_FRAMES == 0 || index >= kClasses) {
    return ::operator new(bytes);
  }
  SizeClass& size_class = classes_[index];
  if (size_class.first == nullptr) {
    return ::operator new((index + 1) * kGranule);
  }
  FreeBlock* block = size_class.first;
  size_class.first = block->next;
  --size_class.kept;
  return block;
}

void FramePool::release(void* frame, std::size_t bytes) noexcept {
  --alive_;
  const std::size_t index = (bytes - 1) / kGranule;
  if (SLUICE_KEEP_FRAMES == 0 || index >= kClasses || classes_[index].kept == kMostKept) {
    ::operator delete(frame);
    return;
  }
  SizeClass& size_class = classes_[index];
  size_class.first = ::new (frame) FreeBlock{size_class.first};
  ++size_class.kept;
}

}  // namespace sluice::detail
