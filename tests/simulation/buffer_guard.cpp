#include "buffer_guard.hpp"

#if SLUICE_SIMULATION_HAS_ASAN
#include <sanitizer/asan_interface.h>

extern "C" void __asan_get_shadow_mapping(std::size_t* scale, std::size_t* offset);
#endif

namespace sluice::testing {

#if SLUICE_SIMULATION_HAS_ASAN
namespace {

// One byte of shadow stands for eight of memory; this value says "poisoned by the program itself".
constexpr std::uint64_t kGranule = 8;
constexpr std::uint8_t kPoisonedByProgram = 0xf7;

// Reads the sanitizer's own table, so it must not be instrumented itself.
__attribute__((no_sanitize("address"))) bool is_still_lent(std::uint64_t address,
                                                           std::size_t length) noexcept {
  std::size_t scale = 0;
  std::size_t offset = 0;
  __asan_get_shadow_mapping(&scale, &offset);
  const std::uint64_t last = (address + length) / kGranule * kGranule;
  for (std::uint64_t at = (address + kGranule - 1) / kGranule * kGranule; at < last;
       at += kGranule) {
    if (*reinterpret_cast<const std::uint8_t*>((at >> scale) + offset) != kPoisonedByProgram) {
      return false;
    }
  }
  return true;
}

}  // namespace

void lend_to_kernel(std::uint64_t address, std::size_t length) noexcept {
  ASAN_POISON_MEMORY_REGION(reinterpret_cast<void*>(address), length);
}

void take_back_from_kernel(std::uint64_t address, std::size_t length) noexcept {
  if (is_still_lent(address, length)) {
    ASAN_UNPOISON_MEMORY_REGION(reinterpret_cast<void*>(address), length);
  }
}
#else
void lend_to_kernel(std::uint64_t /*address*/, std::size_t /*length*/) noexcept {}
void take_back_from_kernel(std::uint64_t /*address*/, std::size_t /*length*/) noexcept {}
#endif

}  // namespace sluice::testing
