// Timers and deadlines, on the virtual clock: every time here is exact.
#include <sluice/timer.hpp>

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

struct Firing {
  int who = 0;
  Duration after{};
  bool operator==(const Firing&) const = default;
};

Task<void> sleep_and_note(Simulation& simulation, int who, Duration duration,
                          std::vector<Firing>& firings) {
  const TimePoint began_at = simulation.now();
  const auto slept = co_await sleep_for(duration);
  firings.push_back({slept ? who : -who, simulation.now() - began_at});
}

TEST(Timer, TimersFireInOrderOfTheirDeadlines) {
  Simulation simulation;
  std::vector<Firing> firings;
  int who = 0;
  for (const Duration duration : {Duration(70s), Duration(5ms), Duration(1us), Duration(300ms),
                                  Duration(5s), Duration(6ms), Duration(0ms)}) {
    simulation.spawn(sleep_and_note(simulation, ++who, duration, firings));
  }
  simulation.run();
  EXPECT_EQ(firings, (std::vector<Firing>{
                         {7, 0ms}, {3, 1us}, {2, 5ms}, {6, 6ms}, {4, 300ms}, {5, 5s}, {1, 70s}}));
  EXPECT_EQ(simulation.executor().metrics().timers_expired.value(), 7U);
}

TEST(Timer, WaitingForATimerDoesNotSpin) {
  Simulation simulation;
  std::vector<Firing> firings;
  simulation.run(sleep_and_note(simulation, 1, 3600s, firings));
  EXPECT_EQ(firings, (std::vector<Firing>{{1, 3600s}}));
  EXPECT_LE(simulation.ring().enters(), 2U);
}

TEST(Timer, CancelledSleepEndsAtOnce) {
  Simulation simulation;
  std::vector<Firing> firings;
  simulation.spawn(sleep_and_note(simulation, 1, 1h, firings));
  simulation.spawn(sleep_and_note(simulation, 2, 2h, firings));
  simulation.run(stop_after(simulation, 3ms));
  EXPECT_EQ(firings, (std::vector<Firing>{{-1, 3ms}, {-2, 3ms}}));
}

// Sleeps until a time that follows from the seed, and checks that it is this one on waking.
Task<void> sleep_exactly(Simulation& simulation, Duration duration, std::uint64_t& exact) {
  const TimePoint until = simulation.now() + duration;
  if ((co_await sleep_for(duration)).has_value() && simulation.now() == until) {
    ++exact;
  }
}

Task<void> cancel_some(TaskScope& first, TaskScope& second) {
  static_cast<void>(co_await sleep_for(100ms));
  first.cancel();
  static_cast<void>(co_await sleep_for(200ms));
  second.cancel();
}

Task<void> sleep_in_scopes(Simulation& simulation, std::uint64_t seed, std::uint64_t& exact) {
  SeededRandom random(seed);
  const TaskContext context = co_await current_context();
  TaskScope kept(context);
  TaskScope first(context);
  TaskScope second(context);
  TaskScope* const scopes[] = {&kept, &first, &second};
  for (int timer = 0; timer < 200; ++timer) {
    const std::uint64_t scope = random.below(3);
    // Those to be cancelled would sleep longer than until their cancel.
    const Duration duration = std::chrono::microseconds(random.below(1'000'000)) + 300ms * scope;
    scopes[scope]->spawn(sleep_exactly(simulation, duration, exact));
  }
  kept.spawn(cancel_some(first, second));
  co_await kept.join();
  co_await first.join();
  co_await second.join();
}

TEST(Timer, TimersLeftAfterOthersAreCancelledFireAtTheirTimes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation simulation;
    std::uint64_t exact = 0;
    simulation.run(sleep_in_scopes(simulation, seed, exact));
    SeededRandom random(seed);
    std::uint64_t kept = 0;
    for (int timer = 0; timer < 200; ++timer) {
      kept += random.below(3) == 0 ? 1 : 0;
      static_cast<void>(random.next());
    }
    EXPECT_EQ(exact, kept) << "seed " << seed;
  }
}

TEST(Timer, LongestSleepNeverEndsByItself) {
  Simulation simulation;
  std::vector<Firing> firings;
  simulation.spawn(sleep_and_note(simulation, 1, Duration::max(), firings));
  simulation.run(stop_after(simulation, 24h));
  EXPECT_EQ(firings, (std::vector<Firing>{{-1, 24h}}));
}

Task<void> sleep_until_past(Simulation& simulation, TimePoint until, Duration& slept_for) {
  const TimePoint began_at = simulation.now();
  EXPECT_TRUE((co_await sleep_until(until)).has_value());
  slept_for = simulation.now() - began_at;
}

TEST(Timer, SleepUntilATimeThatHasPassedEndsAtOnce) {
  for (const TimePoint until : {TimePoint{}, TimePoint::min()}) {
    Simulation simulation;
    Duration slept_for = 1h;
    simulation.run(sleep_until_past(simulation, until, slept_for));
    EXPECT_EQ(slept_for, Duration::zero());
  }
}

Task<void> receive_until(Simulation& simulation, const Socket& socket, Duration patience,
                         Result<std::size_t>& result) {
  Bytes buffer(16);
  result = co_await with_deadline(simulation.now() + patience, socket.receive(buffer));
}

TEST(Deadline, EndsAnOperationAtItsTimeAndSaysTimedOut) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  const TimePoint began_at = simulation.now();
  Result<std::size_t> result = 0;
  simulation.run(receive_until(simulation, socket, 250ms, result));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), std::errc::timed_out);
  EXPECT_EQ(simulation.now() - began_at, 250ms);
}

TEST(Deadline, LeavesAResultThatIsInTimeAlone) {
  Simulation simulation({.longest_latency = 100ms});
  const Socket socket(simulation.store().open(SimulatedStore::make_stream(pattern(9), false)));
  Result<std::size_t> result = 0;
  simulation.run(receive_until(simulation, socket, 250ms, result));
  EXPECT_EQ(result.value_or(0), 9U);
  EXPECT_EQ(simulation.ring().cancels_taken(), 0U);
}

TEST(Deadline, ResultThatWinsAgainstTheDeadlineIsDelivered) {
  Simulation simulation({.is_scripted = true});
  simulation.ring().answer_cancels(CancelAnswer::running);
  const Socket socket(simulation.store().open(SimulatedStore::make_stream(pattern(9), false)));
  simulation.ring().on_enter([&simulation] {
    if (simulation.ring().cancels_taken() == 1) {
      simulation.ring().complete(simulation.ring().pending().at(0).user_data, 9);
      simulation.ring().on_enter(nullptr);
    }
  });
  Result<std::size_t> result = 0;
  simulation.run(receive_until(simulation, socket, 250ms, result));
  EXPECT_EQ(result.value_or(0), 9U);
}

// What a worker of the kernel's answers when a cancel interrupts it (io_uring_prep_cancel(3)).
TEST(Deadline, OperationInterruptedByTheDeadlinesCancelTimedOut) {
  Simulation simulation({.is_scripted = true});
  simulation.ring().answer_cancels(CancelAnswer::running);
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  simulation.ring().on_enter([&simulation] {
    if (simulation.ring().cancels_taken() == 1) {
      simulation.ring().complete(simulation.ring().pending().at(0).user_data, -EINTR);
      simulation.ring().on_enter(nullptr);
    }
  });
  Result<std::size_t> result = 0;
  simulation.run(receive_until(simulation, socket, 250ms, result));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), std::errc::timed_out);
}

TEST(Deadline, CancelOfTheParentIsNotATimeout) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  Result<std::size_t> result = 0;
  simulation.spawn(receive_until(simulation, socket, 250ms, result));
  simulation.run(stop_after(simulation, 10ms));
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is_cancelled(result.error()));
}

Task<void> push_back_often(Simulation& simulation, const Socket& socket, Duration& fired_after,
                           std::uint64_t& expired_before) {
  Deadline deadline(co_await current_context());
  const TimePoint began_at = simulation.now();
  for (int request = 0; request < 10'000; ++request) {
    deadline.set(simulation.now() + 60s);
    if (request % 100 == 0) {
      EXPECT_TRUE((co_await sleep_for(1ms)).has_value());
    }
  }
  expired_before = simulation.executor().metrics().timers_expired.value();
  Bytes buffer(8);
  const auto count = co_await socket.receive(buffer).within(deadline.scope());
  EXPECT_FALSE(count.has_value());
  EXPECT_TRUE(deadline.has_expired());
  fired_after = simulation.now() - began_at;
}

TEST(Deadline, PushedBackManyTimesFiresOnceAtTheLast) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  Duration fired_after{};
  std::uint64_t expired_before = 0;
  simulation.run(push_back_often(simulation, socket, fired_after, expired_before));
  // The last was set after 99 sleeps: request 9,999 comes after the one of request 9,900.
  EXPECT_EQ(fired_after, 60s + 100ms);
  // It came due once where it was armed first, was put right, and fired.
  EXPECT_EQ(simulation.executor().metrics().timers_expired.value() - expired_before, 2U);
  EXPECT_EQ(simulation.ring().cancels_taken(), 1U);
}

Task<void> bring_forward(Simulation& simulation, const Socket& socket, Duration& fired_after) {
  Deadline deadline(co_await current_context());
  const TimePoint began_at = simulation.now();
  for (const Duration patience : {Duration(60s), Duration(5s), Duration(7s), Duration(2s)}) {
    deadline.set(began_at + patience);
  }
  Bytes buffer(8);
  EXPECT_FALSE((co_await socket.receive(buffer).within(deadline.scope())).has_value());
  fired_after = simulation.now() - began_at;
}

TEST(Deadline, BroughtForwardFiresAtTheEarlierTime) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  Duration fired_after{};
  simulation.run(bring_forward(simulation, socket, fired_after));
  EXPECT_EQ(fired_after, 2s);
}

Task<void> use_again(Simulation& simulation, const Socket& socket, std::vector<Duration>& waits) {
  Deadline deadline(co_await current_context());
  Bytes buffer(8);
  for (const Duration patience : {Duration(5s), Duration(1s), Duration(3s)}) {
    const TimePoint began_at = simulation.now();
    deadline.set(began_at + patience);
    EXPECT_FALSE(deadline.has_expired());
    const auto count = co_await socket.receive(buffer).within(deadline.scope());
    EXPECT_FALSE(count.has_value());
    EXPECT_TRUE(deadline.has_expired());
    waits.push_back(simulation.now() - began_at);
  }
  // Moved forward, then cleared: nothing fires any more.
  deadline.set(simulation.now() + 10s);
  deadline.set(simulation.now() + 1s);
  deadline.clear();
  EXPECT_TRUE((co_await sleep_for(20s)).has_value());
  EXPECT_FALSE(deadline.has_expired());
}

TEST(Deadline, CanBeUsedAgainAndCleared) {
  Simulation simulation;
  const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
  std::vector<Duration> waits;
  simulation.run(use_again(simulation, socket, waits));
  EXPECT_EQ(waits, (std::vector<Duration>{5s, 1s, 3s}));
}

}  // namespace
}  // namespace sluice::testing
