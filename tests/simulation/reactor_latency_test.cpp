// What the reactor tells of the time that operations take.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/reactor.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

TEST(ReactorLatency, ListsWhatIsInFlightWithKindAndAge) {
  SimulatedReactor simulated({.is_scripted = true});
  const UniqueFd stream = simulated.store().open(SimulatedStore::make_stream({}, false));
  Bytes buffer(16);
  RecordingWaker waker;
  const auto id = simulated.reactor().register_operation(waker, receive_into(stream.get(), buffer));
  simulated.reactor().wait(30s);
  std::vector<OperationId> seen;
  simulated.reactor().for_each_in_flight(
      [&seen](OperationId which, OperationKind kind, Duration age) {
        seen.push_back(which);
        EXPECT_EQ(kind, OperationKind::receive);
        EXPECT_EQ(age, 30s);
      });
  EXPECT_EQ(seen, std::vector{id.value()});
  simulated.ring().complete(id->to_user_data(), -ECONNRESET);
  simulated.turn();
  const auto kind = static_cast<std::size_t>(OperationKind::receive);
  EXPECT_EQ(simulated.metrics().failed[kind].value(), 1U);
  EXPECT_EQ(simulated.metrics().latency[kind].count(), 1U);
  EXPECT_EQ(simulated.metrics().latency[kind].sum(), 30'000'000'000U);
}

TEST(ReactorLatency, TimesEachCompletionOfAnOperationThatGoesOnFromTheOneBefore) {
  SimulatedReactor simulated({.is_scripted = true});
  const UniqueFd listening = simulated.store().open(SimulatedStore::make_listener());
  RecordingWaker waker;
  const auto id =
      simulated.reactor().register_operation(waker, multishot_accept(listening.get())).value();
  const auto& metrics = simulated.metrics();
  const auto& latency = metrics.latency[static_cast<std::size_t>(OperationKind::accept)];
  std::uint64_t seconds = 0;
  for (const Duration pause : {5s, 3s, 2s}) {
    const bool is_last = pause == 2s;
    simulated.reactor().wait(pause);
    seconds += static_cast<std::uint64_t>(pause / 1s);
    simulated.ring().complete(id.to_user_data(), -EAGAIN, is_last ? 0 : kCompletionMore);
    simulated.turn();
    EXPECT_EQ(latency.sum(), seconds * 1'000'000'000U);
  }
  EXPECT_EQ(latency.count(), 3U);
  EXPECT_EQ(metrics.completed.value(), 1U);
}

}  // namespace
}  // namespace sluice::testing
