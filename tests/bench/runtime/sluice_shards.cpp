// Messages between threads: a round trip from a coroutine to another shard and back, and a message
// to a shard that sleeps.
#include <cerrno>

#include <sluice/shard.hpp>
#include <sluice/task_scope.hpp>

#include "sluice_subjects.hpp"
#include "wake_up.hpp"

namespace {

std::unique_ptr<sluice::ShardSet> start_shards(unsigned count) {
  sluice::ShardOptions options;
  options.count = count;
  options.pin_to_cpus = true;
  auto shards = sluice::ShardSet::start(options);
  if (!shards) {
    std::fprintf(stderr, "%s\n", shards.error().explanation.c_str());
    std::exit(71);
  }
  return std::move(*shards);
}

sluice::Task<void> do_round_trips(sluice::ShardSet& shards, Meter& meter) {
  while (meter_count(&meter)) {
    if (co_await shards.submit_to(1, [](sluice::Shard& shard) { return shard.index(); }) != 1) {
      give_up("answered by another shard", EPROTO);
    }
  }
}

}  // namespace

int measure_round_trips(const char* seconds, unsigned depth) {
  const auto shards = start_shards(2);
  Meter meter = meter_start(seconds, 64);
  shards->post(0, [&](sluice::Shard& shard) {
    for (unsigned index = 0; index < depth; ++index) {
      shard.executor().spawn(do_round_trips(*shards, meter));
    }
  });
  shards->stop(false);
  shards->join();
  return meter_report(&meter);
}

int measure_wake_ups(const char* seconds) {
  const auto shards = start_shards(1);
  WakeUps wake_ups(seconds);
  while (wake_ups.begin_next()) {
    shards->post(0, [&](sluice::Shard&) { wake_ups.arrived(); });
  }
  return wake_ups.report();
}
