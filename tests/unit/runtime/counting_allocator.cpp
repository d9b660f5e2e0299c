#include "counting_allocator.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace sluice::runtime_test {
namespace {

std::atomic<std::uint64_t> made{0};
std::atomic<std::int64_t> alive{0};

[[nodiscard]] void* count(void* memory) {
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  made.fetch_add(1, std::memory_order_relaxed);
  alive.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) {
    alive.fetch_sub(1, std::memory_order_relaxed);
    std::free(memory);
  }
}

[[nodiscard]] std::size_t round_up(std::size_t bytes, std::align_val_t alignment) noexcept {
  const auto unit = static_cast<std::size_t>(alignment);
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

std::uint64_t allocations_made() noexcept { return made.load(std::memory_order_relaxed); }
std::int64_t allocations_alive() noexcept { return alive.load(std::memory_order_relaxed); }

}  // namespace sluice::runtime_test

// The array forms and those that do not throw end here too: the standard library's call these.
void* operator new(std::size_t bytes) { return sluice::runtime_test::count(std::malloc(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return sluice::runtime_test::count(std::aligned_alloc(
      static_cast<std::size_t>(alignment), sluice::runtime_test::round_up(bytes, alignment)));
}
void operator delete(void* memory) noexcept { sluice::runtime_test::release(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  sluice::runtime_test::release(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  sluice::runtime_test::release(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  sluice::runtime_test::release(memory);
}
