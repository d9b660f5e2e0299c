#pragma once

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "meter.h"

/// Binds the calling thread to the n-th CPU that the process may use, from 0 on; to the last one
/// when there are fewer. As ShardOptions::pin_to_cpus does.
inline void pin_this_thread(int n) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    give_up("sched_getaffinity", errno);
  }
  int chosen = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE && n >= 0; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) {
      chosen = cpu;
      --n;
    }
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(chosen, &one);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof(one), &one); error != 0) {
    give_up("pthread_setaffinity_np", error);
  }
}

/// How long a message takes to a thread that sleeps, from before it is posted until it runs there.
/// Measured from a thread on the second CPU, which looks on without a pause in between: only the
/// receiver has to be woken. The receiver is on the first CPU.
class WakeUps {
 public:
  explicit WakeUps(const char* seconds) : meter_(meter_start(seconds, 1)) {
    latencies_ns_.reserve(1U << 20);
  }

  /// Waits until the last message has arrived and its receiver has gone to sleep. False: enough.
  bool begin_next() {
    if (posted_at_ns_ == 0) {
      pin_this_thread(1);  // only now: threads inherit it, and the receiver is not to
    } else {
      while (arrived_at_ns_.load(std::memory_order_acquire) == 0) {
      }
      if (meter_.warm) {
        latencies_ns_.push_back(arrived_at_ns_.load(std::memory_order_relaxed) - posted_at_ns_);
      }
      if (!meter_count(&meter_)) {
        return false;
      }
    }
    const std::uint64_t asleep_at = clock_ns(CLOCK_MONOTONIC) + kFallAsleepNs;
    while (clock_ns(CLOCK_MONOTONIC) < asleep_at) {
    }
    arrived_at_ns_.store(0, std::memory_order_relaxed);
    posted_at_ns_ = clock_ns(CLOCK_MONOTONIC);
    return true;
  }

  /// Called by the receiver.
  void arrived() noexcept {
    arrived_at_ns_.store(clock_ns(CLOCK_MONOTONIC), std::memory_order_release);
  }

  /// Prints the median. The exit status of the program.
  int report() {
    if (latencies_ns_.empty()) {
      return 70;
    }
    const auto middle =
        latencies_ns_.begin() + static_cast<std::ptrdiff_t>(latencies_ns_.size() / 2);
    std::nth_element(latencies_ns_.begin(), middle, latencies_ns_.end());
    std::printf("{\"operations\": %zu, \"median_ns\": %llu}\n", latencies_ns_.size(),
                static_cast<unsigned long long>(*middle));
    return 0;
  }

 private:
  static constexpr std::uint64_t kFallAsleepNs = 100'000;
  Meter meter_;
  std::uint64_t posted_at_ns_ = 0;
  std::atomic<std::uint64_t> arrived_at_ns_{0};
  std::vector<std::uint64_t> latencies_ns_;
};
