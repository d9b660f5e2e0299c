#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task.hpp>

#include "meter.h"

// The subjects as a user of the runtime would write them. Each returns the exit status of the
// program and has printed its result.
int measure_nops(const char* seconds, unsigned depth);
int measure_reads(const char* seconds, unsigned depth, const char* path, bool direct);
int serve_echo();
int measure_awaits(const char* seconds);
int measure_spawns(const char* seconds, unsigned width);
int measure_round_trips(const char* seconds, unsigned depth);
int measure_wake_ups(const char* seconds);

/// Runs one task on a ring, a reactor and an executor of the calling thread's.
template <class MakeTask>
void run_to_end(MakeTask make_task) {
  auto ring = sluice::KernelRing::create({});
  if (!ring) {
    std::fprintf(stderr, "%s\n", ring.error().explanation.c_str());
    std::exit(71);
  }
  sluice::Reactor reactor(std::move(*ring));
  sluice::Executor executor(reactor);
  executor.spawn(make_task(executor));
  executor.run();
}
