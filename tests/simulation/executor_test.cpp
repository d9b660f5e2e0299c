// The executor: fairness, messages, and ending.
#include <sluice/executor.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

Task<void> keep_yielding(int times, int& yields) {
  for (int time = 0; time < times; ++time) {
    ++yields;
    co_await yield();
  }
}

Task<void> await_an_operation(const int& yields, int& yields_before_resumed) {
  EXPECT_TRUE((co_await Operation(NopRequest())).has_value());
  yields_before_resumed = yields;
}

TEST(Executor, ResumesPerTurnLetsCompletionsInBetween) {
  constexpr int kTasks = 100;
  Simulation simulation({}, {}, {.resumes_per_turn = 10});
  int yields = 0;
  int yields_before_resumed = -1;
  simulation.spawn(await_an_operation(yields, yields_before_resumed));
  for (int task = 0; task < kTasks; ++task) {
    simulation.spawn(keep_yielding(100, yields));
  }
  simulation.run();
  EXPECT_EQ(yields, kTasks * 100);
  // Submitted with the first turn, reaped at its end, and then it is behind those who were ready.
  EXPECT_GE(yields_before_resumed, 1);
  EXPECT_LE(yields_before_resumed, kTasks + 10);
  EXPECT_GE(simulation.ring().enters(), kTasks * 100U / 10U);
}

TEST(Executor, TimersComeInBetweenBusyTasks) {
  Simulation simulation({.turn_cost = 1ms}, {}, {.resumes_per_turn = 10});
  int yields = 0;
  int yields_at_timer = -1;
  simulation.spawn([](const int& so_far, int& at_timer) -> Task<void> {
    EXPECT_TRUE((co_await sleep_for(20ms)).has_value());
    at_timer = so_far;
  }(yields, yields_at_timer));
  for (int task = 0; task < 50; ++task) {
    simulation.spawn(keep_yielding(100, yields));
  }
  simulation.run();
  EXPECT_GE(yields_at_timer, 1);
  EXPECT_LE(yields_at_timer, 22 * 10 + 50);  // twenty turns, and those ahead in the queue
}

// A message that notes when it ran.
class NotingMessage final : public Message {
 public:
  explicit NotingMessage(std::vector<const NotingMessage*>& order) noexcept : order_(order) {}
  void run() noexcept override { order_.push_back(this); }

 private:
  std::vector<const NotingMessage*>& order_;
};

TEST(Executor, MessagesRunInOrderAndAHeldExecutorWaitsForThem) {
  Simulation simulation;
  ASSERT_TRUE(simulation.executor().enable_messages().has_value());
  std::vector<const NotingMessage*> order;
  std::deque<NotingMessage> messages;
  std::vector<const NotingMessage*> wanted;
  for (int index = 0; index < 5; ++index) {
    wanted.push_back(&messages.emplace_back(order));
    simulation.executor().post(messages.back());
  }
  NotingMessage late(order);
  wanted.push_back(&late);
  simulation.executor().hold();
  // Posted while the executor sleeps in enter(), as another thread would.
  simulation.ring().on_enter([&, is_done = false]() mutable {
    if (!is_done && simulation.executor().metrics().turns.value() == 3) {
      is_done = true;
      simulation.executor().post(late);
    }
  });
  simulation.spawn(
      [](Simulation& inner, const std::vector<const NotingMessage*>& ran) -> Task<void> {
        while (ran.size() < 6) {
          static_cast<void>(co_await sleep_for(1h));
        }
        inner.executor().release();
      }(simulation, order));
  simulation.run();
  EXPECT_EQ(order, wanted);
  EXPECT_EQ(simulation.executor().metrics().messages_received.value(), 6U);
  EXPECT_EQ(simulation.metrics().wakeups.value(), 1U);
}

Task<void> receive_for_ever(const UniqueFd& stream, int& cancelled) {
  Bytes buffer(8);
  const auto count = co_await Operation(ReceiveRequest(stream.get(), buffer));
  cancelled += !count && is_cancelled(count.error()) ? 1 : 0;
}

TEST(Executor, StopEndsTasksBeyondEveryLimitOfTheQueues) {
  Simulation simulation({.submission_entries = 8, .completion_entries = 16});
  const UniqueFd idle = simulation.store().open(SimulatedStore::make_stream({}, false));
  int cancelled = 0;
  for (int task = 0; task < 500; ++task) {
    simulation.spawn(receive_for_ever(idle, cancelled));
  }
  simulation.run(stop_after(simulation, 10ms));
  EXPECT_EQ(cancelled, 500);
  EXPECT_EQ(simulation.reactor().in_flight(), 0U);
  EXPECT_EQ(simulation.ring().operations_taken(), 16U) << "parked ones never reach the kernel";
  EXPECT_EQ(simulation.executor().metrics().tasks_alive.value(), 0);
}

TEST(Executor, TaskSpawnedAfterStopIsCancelledFromTheBeginning) {
  Simulation simulation;
  const UniqueFd idle = simulation.store().open(SimulatedStore::make_stream({}, false));
  simulation.executor().stop();
  int cancelled = 0;
  simulation.run(receive_for_ever(idle, cancelled));
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(simulation.ring().operations_taken(), 0U);
}

Task<void> count_turns(Simulation& simulation, std::uint64_t& enters) {
  const std::uint64_t before = simulation.ring().enters();
  for (int index = 0; index < 100'000; ++index) {
    co_await [](int value) -> Task<void> {
      EXPECT_GE(value, 0);
      co_return;
    }(index);
  }
  enters = simulation.ring().enters() - before;
}

TEST(Executor, AwaitsThatNeverWaitCostNoTurn) {
  Simulation simulation;
  std::uint64_t enters = 1;
  simulation.run(count_turns(simulation, enters));
  EXPECT_EQ(enters, 0U);
}

TEST(Executor, IdleShardStaysInOneEnter) {
  Simulation simulation;
  const UniqueFd idle = simulation.store().open(SimulatedStore::make_stream({}, false));
  int cancelled = 0;
  for (int task = 0; task < 50; ++task) {
    simulation.spawn(receive_for_ever(idle, cancelled));
  }
  simulation.run(stop_after(simulation, 24h));
  EXPECT_LE(simulation.ring().enters(), 4U);
}

}  // namespace
}  // namespace sluice::testing
