// when_all, when_any and scopes over a kernel that answers late and in its own order.
#include <cerrno>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/socket.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

Task<Result<std::size_t>> receive_some(const Socket& socket, std::span<std::byte> buffer) {
  co_return co_await socket.receive(buffer);
}

Task<Result<std::size_t>> receive_later(const Socket& socket, Duration delay) {
  if (const auto slept = co_await sleep_for(delay); !slept) {
    co_return std::unexpected(slept.error());
  }
  Bytes buffer(4);
  co_return co_await socket.receive(buffer);
}

using Received = Result<std::size_t>;

Task<void> race(const Socket& one, const Socket& two,
                std::optional<AnyResult<Received, Received>>& result) {
  Bytes first(16);
  Bytes second(16);
  result = co_await when_any(receive_some(one, first), receive_some(two, second));
}

TEST(WhenAny, CancelsAndAwaitsTheLosers) {
  Simulation simulation({.longest_latency = 10ms});
  const Socket silent(simulation.store().open(SimulatedStore::make_stream({}, false)));
  const Socket ready(simulation.store().open(SimulatedStore::make_stream(pattern(7), false)));
  std::optional<AnyResult<Received, Received>> result;
  simulation.run(race(silent, ready, result));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->first, 1U);
  EXPECT_EQ(std::get<1>(result->results).value_or(0), 7U);
  const Received& loser = std::get<0>(result->results);
  ASSERT_FALSE(loser.has_value());
  EXPECT_TRUE(is_cancelled(loser.error()));
  EXPECT_EQ(simulation.ring().cancels_taken(), 1U);
}

TEST(WhenAny, LoserWhoseResultWasOnItsWayKeepsIt) {
  Simulation simulation({.is_scripted = true});
  simulation.ring().answer_cancels(CancelAnswer::not_found);
  const Socket one(simulation.store().open(SimulatedStore::make_stream(pattern(5), false)));
  const Socket two(simulation.store().open(SimulatedStore::make_stream(pattern(6), false)));
  simulation.ring().on_enter([&simulation, is_started = false]() mutable {
    const auto pending = simulation.ring().pending();
    if (pending.size() == 2 && !is_started) {
      is_started = true;
      simulation.ring().complete(pending[0].user_data, 5);
    } else if (simulation.ring().cancels_taken() == 1 && pending.size() == 1) {
      simulation.ring().complete(pending[0].user_data, 6);
    }
  });
  std::optional<AnyResult<Received, Received>> result;
  simulation.run(race(one, two, result));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->first, 0U);
  EXPECT_EQ(std::get<0>(result->results).value_or(0), 5U);
  EXPECT_EQ(std::get<1>(result->results).value_or(0), 6U) << "bytes were thrown away";
}

Task<void> end_the_loser_after(Simulation& simulation, Duration delay,
                               const std::optional<AnyResult<Received, Received>>& result) {
  EXPECT_TRUE((co_await sleep_for(delay)).has_value());
  EXPECT_FALSE(result.has_value()) << "the loser's buffer is still lent";
  EXPECT_EQ(simulation.ring().cancels_taken(), 1U);
  simulation.ring().complete(simulation.ring().pending().at(0).user_data, -ECANCELED);
}

TEST(WhenAny, LoserThatIsSlowToEndIsWaitedFor) {
  Simulation simulation({.is_scripted = true});
  simulation.ring().answer_cancels(CancelAnswer::running);
  const Socket one(simulation.store().open(SimulatedStore::make_stream(pattern(5), false)));
  const Socket two(simulation.store().open(SimulatedStore::make_stream({}, false)));
  simulation.ring().on_enter([&simulation] {
    if (simulation.ring().pending().size() == 2) {
      simulation.ring().complete(simulation.ring().pending()[0].user_data, 5);
      simulation.ring().on_enter(nullptr);
    }
  });
  std::optional<AnyResult<Received, Received>> result;
  simulation.spawn(end_the_loser_after(simulation, 5s, result));
  simulation.run(race(one, two, result));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->first, 0U);
}

Task<void> gather(const std::vector<Socket>& sockets, std::vector<Received>& counts) {
  std::vector<Task<Received>> tasks;
  for (std::size_t index = 0; index < sockets.size(); ++index) {
    tasks.push_back(receive_later(sockets[index], std::chrono::milliseconds(50 - index)));
  }
  counts = co_await when_all(std::move(tasks));
}

TEST(WhenAll, KeepsTheOrderOfTheTasksWhateverTheOrderOfTheirEnds) {
  Simulation simulation({.longest_latency = 100ms});
  std::vector<Socket> sockets;
  for (std::size_t index = 0; index < 20; ++index) {
    sockets.emplace_back(
        simulation.store().open(SimulatedStore::make_stream(pattern(index % 4), true)));
  }
  std::vector<Received> counts;
  simulation.run(gather(sockets, counts));
  ASSERT_EQ(counts.size(), 20U);
  for (std::size_t index = 0; index < counts.size(); ++index) {
    EXPECT_EQ(counts[index].value_or(99), index % 4);
  }
}

Task<void> wait_for_peer(const Socket& socket, int& cancelled) {
  Bytes buffer(4);
  const auto count = co_await socket.receive(buffer);
  cancelled += !count && is_cancelled(count.error()) ? 1 : 0;
}

Task<void> nest(const Socket& socket, int depth, int& cancelled) {
  TaskScope scope(co_await current_context());
  scope.spawn(wait_for_peer(socket, cancelled));
  if (depth > 0) {
    scope.spawn(nest(socket, depth - 1, cancelled));
  }
  co_await scope.join();
}

Task<void> cancel_a_tree(const Socket& socket, int& cancelled, int& untouched) {
  TaskScope outer(co_await current_context());
  TaskScope inner(co_await current_context());
  outer.spawn(wait_for_peer(socket, untouched));
  inner.spawn(nest(socket, 10, cancelled));
  EXPECT_TRUE((co_await sleep_for(1ms)).has_value());
  inner.cancel();
  co_await inner.join();
  EXPECT_EQ(cancelled, 11);
  EXPECT_EQ(untouched, 0) << "a scope cancels what is below it and nothing else";
  outer.cancel();
  co_await outer.join();
}

TEST(TaskScope, CancelReachesEveryScopeBelowIt) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  int cancelled = 0;
  int untouched = 0;
  simulation.run(cancel_a_tree(socket, cancelled, untouched));
  EXPECT_EQ(untouched, 1);
  EXPECT_EQ(simulation.ring().cancels_taken(), 12U);
}

}  // namespace
}  // namespace sluice::testing
