#pragma once

#include <cstdio>
#include <utility>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task.hpp>

/// What the examples share: a ring, a reactor and an executor on the main thread, and a task to run
/// on them. `task` is called with the executor and sets its exit status.
template <class MakeTask>
int run_program(MakeTask make_task) {
  auto ring = sluice::KernelRing::create({});
  if (!ring) {
    std::fprintf(stderr, "%s\n", ring.error().explanation.c_str());
    return 69;
  }
  sluice::Reactor reactor(std::move(*ring));
  sluice::Executor executor(reactor);
  int exit_status = 0;
  executor.spawn(make_task(executor, exit_status));
  executor.run();
  return exit_status;
}
