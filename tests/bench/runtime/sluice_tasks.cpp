// What coroutines cost without a kernel: awaiting a child that has its value at once, and spawning
// children and joining them.
#include <cerrno>
#include <cstdint>

#include <sluice/task_scope.hpp>

#include "sluice_subjects.hpp"

namespace {

sluice::Task<std::uint64_t> ready_value(std::uint64_t value) { co_return value + 1; }

sluice::Task<void> await_values(Meter& meter) {
  std::uint64_t value = 0;
  std::uint64_t awaited = 0;
  for (; meter_count(&meter); ++awaited) {
    value = co_await ready_value(value);
  }
  if (value != awaited) {
    give_up("a value was lost", EPROTO);
  }
}

sluice::Task<void> child(std::uint64_t& ended) {
  ++ended;
  co_return;
}

sluice::Task<void> spawn_and_join(Meter& meter, unsigned width) {
  std::uint64_t ended = 0;
  std::uint64_t spawned = 0;
  sluice::TaskScope scope(co_await sluice::current_context());
  while (!meter.done) {
    for (unsigned index = 0; index < width; ++index, ++spawned) {
      scope.spawn(child(ended));
      meter_count(&meter);
    }
    co_await scope.join();
  }
  if (ended != spawned) {
    give_up("a task was lost", EPROTO);
  }
}

}  // namespace

int measure_awaits(const char* seconds) {
  Meter meter = meter_start(seconds, 1024);
  run_to_end([&](sluice::Executor&) { return await_values(meter); });
  return meter_report(&meter);
}

int measure_spawns(const char* seconds, unsigned width) {
  Meter meter = meter_start(seconds, 1024);
  run_to_end([&](sluice::Executor&) { return spawn_and_join(meter, width); });
  return meter_report(&meter);
}
