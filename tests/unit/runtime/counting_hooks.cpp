// The numbers of counting_allocator.hpp under ThreadSanitizer, whose library defines the operators
// itself and cannot be linked next to others: it calls these hooks instead, for malloc(3) too.
#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <cstdlib>

#include "counting_allocator.hpp"

namespace sluice::runtime_test {
namespace {

std::atomic<std::uint64_t> made{0};
std::atomic<std::int64_t> alive{0};

void count(const volatile void* /*memory*/, std::size_t /*bytes*/) {
  made.fetch_add(1, std::memory_order_relaxed);
  alive.fetch_add(1, std::memory_order_relaxed);
}
void release(const volatile void* /*memory*/) { alive.fetch_sub(1, std::memory_order_relaxed); }

// What was taken before this has run is not counted, so that only differences mean something.
const int installed = __sanitizer_install_malloc_and_free_hooks(count, release);

}  // namespace

std::uint64_t allocations_made() noexcept { return made.load(std::memory_order_relaxed); }
std::int64_t allocations_alive() noexcept {
  // Without hooks nothing would be counted, and no comparison could fail.
  if (installed == 0) {
    std::abort();
  }
  return alive.load(std::memory_order_relaxed);
}

}  // namespace sluice::runtime_test
