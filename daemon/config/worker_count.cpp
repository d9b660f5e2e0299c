#include "config/worker_count.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

namespace sluiced::config {
namespace {

/// CPUs in the affinity mask, or 0 when the kernel does not tell.
std::uint32_t cpus_in_affinity_mask() {
  // A mask shorter than the kernel's is refused with EINVAL (sched_setaffinity(2)).
  constexpr std::size_t most_cpus = std::size_t{1} << 16U;
  for (std::size_t cpus = CPU_SETSIZE; cpus <= most_cpus; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(cpus), [](cpu_set_t* set) { CPU_FREE(set); });
    const std::size_t size_bytes = CPU_ALLOC_SIZE(cpus);
    if (!mask) {
      return 0;
    }
    if (sched_getaffinity(0, size_bytes, mask.get()) == 0) {
      return static_cast<std::uint32_t>(CPU_COUNT_S(size_bytes, mask.get()));
    }
    if (errno != EINVAL) {
      return 0;
    }
  }
  return 0;
}

}  // namespace

std::uint32_t worker_count(const Runtime& runtime) {
  if (runtime.workers != 0) {
    return runtime.workers;
  }
  const std::uint32_t cpus = cpus_in_affinity_mask();
  return std::max(cpus != 0 ? cpus : std::thread::hardware_concurrency(), 1U);
}

}  // namespace sluiced::config
