// Shutdown with work in flight, over thousands of seeds: whatever the kernel does and wherever the
// stop comes, everything ends, and nothing is lost, leaked or told twice.
//
// A failure prints its seed. SLUICE_SIMULATION_SEED=<seed> runs that one alone, and
// SLUICE_SIMULATION_SEEDS=<count> sets how many each block runs.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "simulation.hpp"
#include "workload.hpp"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kSeedsPerBlock = 420;

[[nodiscard]] std::uint64_t number_from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

struct Totals {
  std::uint64_t operations = 0;
  std::uint64_t cancels = 0;
  std::uint64_t bytes = 0;
  std::uint64_t parked = 0;
  std::uint64_t overflows = 0;
};

// Returns the fingerprint of the run.
std::uint64_t run_and_check(std::uint64_t seed, Totals& totals) {
  SCOPED_TRACE("SLUICE_SIMULATION_SEED=" + std::to_string(seed));
  const std::size_t descriptors_before = open_descriptors();
  std::uint64_t fingerprint = 0;
  {
    Simulation simulation(unkind_kernel(seed));
    Workload workload(simulation, seed);
    workload.start();
    simulation.run();

    EXPECT_EQ(workload.fault(), "");
    EXPECT_EQ(simulation.reactor().in_flight(), 0U);
    EXPECT_TRUE(simulation.ring().pending().empty());
    EXPECT_EQ(simulation.ring().unsubmitted(), 0U);
    const ReactorMetrics& metrics = simulation.metrics();
    EXPECT_EQ(metrics.registered.value(), metrics.completed.value());
    EXPECT_EQ(metrics.stale_completions.value(), 0U);
    EXPECT_EQ(metrics.in_flight.value(), 0);
    EXPECT_EQ(metrics.parked.value(), 0);
    EXPECT_EQ(metrics.cancels_submitted.value(), simulation.ring().cancels_taken());
    EXPECT_EQ(metrics.submitted.value(),
              simulation.ring().operations_taken() + simulation.ring().cancels_taken());
    EXPECT_EQ(simulation.executor().metrics().tasks_alive.value(), 0);
    totals.operations += metrics.completed.value();
    totals.cancels += metrics.cancels_submitted.value();
    totals.bytes += workload.bytes_received();
    totals.parked += metrics.parked_total.value();
    totals.overflows += metrics.completion_overflows.value();
    fingerprint = simulation.ring().fingerprint();
  }
  EXPECT_EQ(open_descriptors(), descriptors_before);
  return fingerprint;
}

class Shutdown : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Shutdown, EndsWithNothingInFlightWhereverTheStopComes) {
  const std::uint64_t only = number_from_environment("SLUICE_SIMULATION_SEED", 0);
  const std::uint64_t count =
      only != 0 ? 1 : number_from_environment("SLUICE_SIMULATION_SEEDS", kSeedsPerBlock);
  const std::uint64_t first = only != 0 ? only : 1 + GetParam() * count;
  Totals totals;
  for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
    run_and_check(seed, totals);
  }
  if (only != 0 || count < 100) {
    return;
  }
  // The seeds reach what they are for.
  EXPECT_GT(totals.operations, count * 20);
  EXPECT_GT(totals.cancels, count);
  EXPECT_GT(totals.bytes, count * 20);
  EXPECT_GT(totals.parked, count);
  EXPECT_GT(totals.overflows, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Shutdown, ::testing::Range<std::uint64_t>(0, 5));

TEST(Simulation, SameSeedGivesTheSameRun) {
  Totals totals;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(run_and_check(seed, totals), run_and_check(seed, totals)) << seed;
  }
  EXPECT_NE(run_and_check(1, totals), run_and_check(2, totals));
}

}  // namespace
}  // namespace sluice::testing
