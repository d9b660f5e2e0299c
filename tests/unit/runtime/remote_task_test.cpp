// Tasks that run on another shard and are awaited at home.
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/shard.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

// Runs a coroutine on shard 0 and waits for its end, which comes before anything is stopped.
void run_on_first(ShardSet& set, std::function<Task<void>()> body) {
  std::latch done(1);
  set.post(0, [&](Shard& shard) {
    shard.executor().spawn(calling([&]() -> Task<void> {
      co_await body();
      done.count_down();
    }));
  });
  done.wait();
}

TEST(RemoteTask, RunsThereAndResumesAtHomeWithItsOutcome) {
  const auto set = start(2);
  run_on_first(*set, [&]() -> Task<void> {
    const auto home = std::this_thread::get_id();
    auto there = home;
    const auto work = [&there](Shard& shard) -> Task<int> {
      there = std::this_thread::get_id();
      EXPECT_TRUE(co_await sleep_for(1ms));
      EXPECT_EQ(shard.index(), 1U);
      co_return 42;
    };
    EXPECT_EQ(co_await set->submit_to(1, work), 42);
    EXPECT_TRUE(std::this_thread::get_id() == home);
    EXPECT_TRUE(there != home);
    // Without an outcome, and with one that can only be moved.
    co_await set->submit_to(1, [](Shard&) -> Task<void> { co_await yield(); });
    const auto owned = co_await set->submit_to(
        1, [](Shard&) -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); });
    EXPECT_EQ(*owned, 7);
    // To one's own shard, too.
    EXPECT_EQ(co_await set->submit_to(0, [](Shard& s) -> Task<unsigned> { co_return s.index(); }),
              0U);
  });
}

TEST(RemoteTask, IsCancelledWithItsCaller) {
  const auto set = start(2);
  run_on_first(*set, [&]() -> Task<void> {
    std::atomic<int> ended{0};
    const auto sleep_long = [&ended](Shard&) -> Task<Result<void>> {
      const auto slept = co_await sleep_for(1h);
      ++ended;
      co_return slept;
    };
    const auto context = co_await current_context();
    const auto late =
        co_await with_deadline(context.executor->now() + 1ms, set->submit_to(1, sleep_long));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    EXPECT_EQ(ended, 1) << "the caller waited for its end";
    CancelScope scope;
    scope.cancel();
    const auto refused = co_await set->submit_to(1, sleep_long).within(scope);
    EXPECT_TRUE(is_cancelled(refused.error()));
    EXPECT_EQ(ended, 1) << "in a cancelled scope nothing is sent";
  });
}

TEST(RemoteTask, OneWhoseOutcomeHasNoErrorRunsCancelledInACancelledScope) {
  const auto set = start(2);
  run_on_first(*set, [&]() -> Task<void> {
    CancelScope scope;
    scope.cancel();
    const bool slept =
        co_await set
            ->submit_to(
                1, [](Shard&) -> Task<bool> { co_return (co_await sleep_for(1h)).has_value(); })
            .within(scope);
    EXPECT_FALSE(slept);
  });
}

TEST(RemoteTask, ResultThatWinsTheRaceAgainstItsCancelIsDelivered) {
  const auto set = start(3);
  std::atomic<int> delivered{0};
  std::atomic<int> cancelled{0};
  std::atomic<int> made{0};
  run_on_first(*set, [&]() -> Task<void> {
    std::mt19937 random(9);
    const auto work = [&made](Shard&) -> Task<Result<int>> {
      for (int turn = 0; turn < 3; ++turn) {
        if (const auto slept = co_await sleep_for(Duration::zero()); !slept) {
          co_return std::unexpected(slept.error());
        }
      }
      co_return ++made;
    };
    const auto call = [&](CancelScope& scope, unsigned index) -> Task<void> {
      const auto outcome = co_await set->submit_to(index, work).within(scope);
      EXPECT_TRUE(outcome || is_cancelled(outcome.error()));
      ++(outcome ? delivered : cancelled);
    };
    for (int round = 0; round < 500; ++round) {
      TaskScope tasks(co_await current_context());
      CancelScope scope;
      for (unsigned count = 0; count < 4; ++count) {
        tasks.spawn(call(scope, count % 3));
      }
      for (auto turns = random() % 12; turns > 0; --turns) {
        co_await yield();
      }
      scope.cancel();
      co_await tasks.join();
    }
  });
  EXPECT_EQ(delivered + cancelled, 2000);
  EXPECT_EQ(delivered, made);
  EXPECT_GT(cancelled, 0);
}

TEST(RemoteTask, StoppingTheOtherShardCancelsItAndTheCallerIsAnswered) {
  const auto set = start(2);
  std::atomic<int> answered{0};
  std::latch underway(1);
  set->post(0, [&](Shard& shard) {
    shard.executor().spawn(calling([&]() -> Task<void> {
      // A scope of its own: the stop of this shard does not reach the call.
      CancelScope scope;
      const auto sleep_long = [&underway](Shard&) -> Task<Result<void>> {
        underway.count_down();
        co_return co_await sleep_for(1h);
      };
      const auto outcome = co_await set->submit_to(1, sleep_long).within(scope);
      EXPECT_TRUE(is_cancelled(outcome.error()));
      ++answered;
      // The other shard's tasks have ended; it answers all the same.
      EXPECT_EQ(co_await set->submit_to(1, [](Shard&) -> Task<int> { co_return 5; }).within(scope),
                5);
      ++answered;
    }));
  });
  underway.wait();
  set->stop(true);
  set->join();
  EXPECT_EQ(answered, 2);
}

// What belongs to one shard and is touched from another ends the program with the rule's name.
class WrongShardDeathTest : public ::testing::Test {
 protected:
  // Runs `body` on the test's own thread, which is no shard's, with a scope and an event that a
  // coroutine of a shard waits with.
  static void touch_from_outside(const std::function<void(CancelScope&, Event&)>& body) {
    const auto set = start(1);
    CancelScope* scope = nullptr;
    Event* event = nullptr;
    std::latch waiting(1);
    set->post(0, [&](Shard& shard) {
      shard.executor().spawn(calling([&]() -> Task<void> {
        CancelScope own_scope;
        Event own_event;
        scope = &own_scope;
        event = &own_event;
        waiting.count_down();
        static_cast<void>(co_await own_event.wait().within(own_scope));
      }));
    });
    waiting.wait();
    std::latch settled(1);
    set->post(0, [&](Shard&) { settled.count_down(); });
    settled.wait();
    body(*scope, *event);
  }
};

TEST_F(WrongShardDeathTest, CancellingAScopeOfAnotherShardAborts) {
  EXPECT_DEATH(touch_from_outside([](CancelScope& scope, Event&) { scope.cancel(); }),
               "a CancelScope is cancelled on the thread that made it");
}

TEST_F(WrongShardDeathTest, SettingAnEventThatAnotherShardWaitsForAborts) {
  EXPECT_DEATH(touch_from_outside([](CancelScope&, Event& event) { event.set(); }),
               "tasks of an Executor are spawned, cancelled and woken on its thread");
}

TEST_F(WrongShardDeathTest, WaitingForWhatAnotherShardWaitsForAborts) {
  EXPECT_DEATH(touch_from_outside([](CancelScope&, Event& event) {
                 Loop loop;
                 loop.run([](Event& foreign) -> Task<void> {
                   static_cast<void>(co_await foreign.wait());
                 }(event));
               }),
               "those who wait for one thing are of one shard");
}

TEST_F(WrongShardDeathTest, SpawningRegisteringOrCancellingOnAnotherShardAborts) {
  // The threads are started in the child: a program with threads must not fork.
  const auto on_foreign_shard = [](const std::function<void(Shard&)>& body) {
    const auto set = start(1);
    Shard* shard = nullptr;
    std::latch known(1);
    set->post(0, [&](Shard& own) {
      shard = &own;
      known.count_down();
    });
    known.wait();
    body(*shard);
  };
  EXPECT_DEATH(on_foreign_shard([](Shard& shard) {
                 shard.executor().spawn([]() -> Task<void> { co_return; }());
               }),
               "tasks of an Executor are spawned, cancelled and woken on its thread");
  EXPECT_DEATH(on_foreign_shard([](Shard& shard) {
                 RecordingWaker waker;
                 static_cast<void>(shard.reactor().register_operation(waker, {}));
               }),
               "a Reactor is called by the thread that made it");
  EXPECT_DEATH(on_foreign_shard([](Shard& shard) { shard.reactor().cancel({}); }),
               "a Reactor is called by the thread that made it");
}

TEST(WhenAny, OfAListGivesTheFirstAndWhatTheOthersCameTo) {
  Loop loop;
  loop.run([]() -> Task<void> {
    const auto sleep = [](Duration time) -> Task<Result<void>> {
      co_return co_await sleep_for(time);
    };
    std::vector<Task<Result<void>>> tasks;
    tasks.push_back(sleep(1h));
    tasks.push_back(sleep(1ms));
    tasks.push_back(sleep(2h));
    const auto any = co_await when_any(std::move(tasks));
    EXPECT_EQ(any.first, 1U);
    CO_ASSERT_TRUE(any.results.size() == 3);
    EXPECT_TRUE(any.results[1]);
    EXPECT_TRUE(is_cancelled(any.results[0].error()));
    EXPECT_TRUE(is_cancelled(any.results[2].error()));
  }());
}

}  // namespace
}  // namespace sluice::runtime_test
