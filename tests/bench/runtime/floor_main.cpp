// Usage: bench_floor SUBJECT ...: the least that each subject costs without any runtime.
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <thread>

#include "wake_up.hpp"

namespace {

using Callback = void (*)(std::uint64_t& value);

[[gnu::noinline]] void add_one(std::uint64_t& value) { ++value; }

// Through a pointer that the compiler cannot see through, as with any callback that was registered.
int measure_calls(const char* seconds) {
  Meter meter = meter_start(seconds, 1024);
  Callback volatile callback = add_one;
  std::uint64_t value = 0;
  while (meter_count(&meter)) {
    callback(value);
  }
  return meter_report(&meter);
}

// Callbacks that are queued and then called in turn.
int measure_queued_calls(const char* seconds, unsigned width) {
  struct Entry {
    Callback callback;
    std::uint64_t* value;
  };
  std::array<Entry, 1024> queue;
  if (width > queue.size()) {
    give_up("more callbacks than the queue holds", ENOBUFS);
  }
  Meter meter = meter_start(seconds, 1024);
  Callback volatile callback = add_one;
  std::uint64_t value = 0;
  while (!meter.done) {
    for (unsigned index = 0; index < width; ++index) {
      queue[index] = {callback, &value};
      meter_count(&meter);
    }
    for (unsigned index = 0; index < width; ++index) {
      queue[index].callback(*queue[index].value);
    }
  }
  return meter_report(&meter);
}

struct Bell {
  int fd = ::eventfd(0, EFD_CLOEXEC);
  void ring() const {
    const std::uint64_t one = 1;
    if (::write(fd, &one, sizeof(one)) != sizeof(one)) {
      give_up("eventfd write", errno);
    }
  }
  void wait() const {
    std::uint64_t count = 0;
    if (::read(fd, &count, sizeof(count)) != sizeof(count)) {
      give_up("eventfd read", errno);
    }
  }
};

// Two threads that do nothing but wake each other.
int measure_round_trips(const char* seconds) {
  const Bell there;
  const Bell back;
  std::atomic<bool> done{false};
  std::thread other([&] {
    pin_this_thread(1);
    for (there.wait(); !done; there.wait()) {
      back.ring();
    }
  });
  pin_this_thread(0);
  Meter meter = meter_start(seconds, 64);
  while (meter_count(&meter)) {
    there.ring();
    back.wait();
  }
  done = true;
  there.ring();
  other.join();
  return meter_report(&meter);
}

int measure_wake_ups(const char* seconds) {
  const Bell bell;
  std::atomic<bool> done{false};
  WakeUps wake_ups(seconds);
  std::thread sleeper([&] {
    pin_this_thread(0);
    for (bell.wait(); !done; bell.wait()) {
      wake_ups.arrived();
    }
  });
  while (wake_ups.begin_next()) {
    bell.ring();
  }
  done = true;
  bell.ring();
  sleeper.join();
  return wake_ups.report();
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::size_t count = arguments.size();
  const std::string_view subject = count > 1 ? arguments[1] : "";
  if (subject == "await" && count == 3) {
    return measure_calls(arguments[2]);
  }
  if (subject == "spawn" && count == 4) {
    return measure_queued_calls(arguments[2], number_from(arguments[3]));
  }
  if (subject == "round-trip" && count == 4 && number_from(arguments[3]) == 1) {
    return measure_round_trips(arguments[2]);
  }
  if (subject == "wake-up" && count == 3) {
    return measure_wake_ups(arguments[2]);
  }
  std::fputs("usage: see floor_main.cpp\n", stderr);
  return 64;
}
