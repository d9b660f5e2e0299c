// How a set of shards ends.
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/shard.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(ShardSetStop, WithoutWorkEndsAtOnceAndLeavesNoDescriptor) {
  const auto before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    const auto set = start(2);
    set->stop(round % 2 == 0);
    set->join();
    EXPECT_EQ(set->running(), 0U);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ShardSetStop, TheDestructorStopsAndJoins) {
  std::atomic<int> cancelled{0};
  {
    const auto set = start(2);
    std::latch asleep(2);
    const auto sleep = [&]() -> Task<void> {
      asleep.count_down();
      cancelled += co_await sleep_for(1h) ? 0 : 1;
    };
    for (unsigned index = 0; index < 2; ++index) {
      set->post(index, [&](Shard& shard) { shard.executor().spawn(sleep()); });
    }
    asleep.wait();
  }
  EXPECT_EQ(cancelled, 2);
}

TEST(ShardSetStop, WithoutCancelLetsTasksFinish) {
  const auto set = start(2);
  std::atomic<int> finished{0};
  const auto work = [&finished]() -> Task<void> {
    for (int round = 0; round < 10; ++round) {
      EXPECT_TRUE(co_await sleep_for(1ms));
    }
    ++finished;
  };
  for (unsigned index = 0; index < 2; ++index) {
    set->post(index, [&](Shard& shard) {
      for (int count = 0; count < 20; ++count) {
        shard.executor().spawn(work());
      }
    });
  }
  set->stop(false);
  set->join();
  EXPECT_EQ(finished, 40);
}

TEST(ShardSetStop, FirstInPeaceAndThenWithCancel) {
  const auto set = start(1);
  std::atomic<int> cancelled{0};
  std::latch asleep(1);
  const auto sleep = [&]() -> Task<void> {
    asleep.count_down();
    cancelled += co_await sleep_for(1h) ? 0 : 1;
  };
  set->post(0, [&](Shard& shard) { shard.executor().spawn(sleep()); });
  asleep.wait();
  set->stop(false);
  set->stop(false);
  EXPECT_EQ(set->running(), 1U);
  set->stop(true);
  set->join();
  set->stop(true);
  set->join();
  EXPECT_EQ(cancelled, 1);
}

TEST(ShardSetStop, WhatWasPostedBeforeItStillRuns) {
  std::atomic<int> ran{0};
  {
    const auto set = start(2);
    for (unsigned number = 0; number < 1000; ++number) {
      set->post(number % 2, [&ran](Shard&) { ++ran; });
    }
    set->stop(true);
  }
  EXPECT_EQ(ran, 1000);
}

TEST(ShardSetStop, WhatIsPostedAfterItRunsBeforeTheJoinReturns) {
  std::atomic<int> ran{0};
  const auto set = start(2);
  set->stop(false);
  while (set->running() > 0) {
    std::this_thread::yield();
  }
  for (unsigned number = 0; number < 100; ++number) {
    set->post(number % 2, [&ran](Shard&) { ++ran; });
  }
  set->join();
  EXPECT_EQ(ran, 100);
}

// One shard has nothing left to do while another still asks it things: it must go on answering
// until the other has ended, or the question goes to a shard that is gone. In a child process,
// because a question without an answer hangs.
[[noreturn]] void ask_a_shard_that_has_no_work(bool cancels) {
  ::alarm(10);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> answered{0};
    const auto set = start(2);
    const auto ask = [&]() -> Task<void> {
      for (int count = 0; count < 500; ++count) {
        answered += co_await set->submit_to(0, [](Shard&) { return 1; });
      }
    };
    set->post(1, [&](Shard& shard) { shard.executor().spawn(ask()); });
    set->stop(cancels);
    set->join();
    CHILD_CHECK(answered == 500);
  }
  ::_exit(0);
}

TEST(ShardSetStop, AShardWithoutWorkAnswersTheOthersUntilTheyEnd) {
  EXPECT_EXIT(ask_a_shard_that_has_no_work(false), ::testing::ExitedWithCode(0), "");
}

TEST(ShardSetStop, AShardThatIsCancelledAnswersTheOthersUntilTheyEnd) {
  EXPECT_EXIT(ask_a_shard_that_has_no_work(true), ::testing::ExitedWithCode(0), "");
}

TEST(ShardSetStop, WithReceivesInFlightEndsThem) {
  const auto before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    const auto set = start(2);
    std::atomic<int> ended{0};
    const auto receive = [&ended]() -> Task<void> {
      const Pair pair = socket_pair();
      std::array<std::byte, 64> buffer;
      const auto got = co_await pair.near.receive(buffer);
      EXPECT_TRUE(!got && is_cancelled(got.error()));
      ++ended;
    };
    for (unsigned index = 0; index < 2; ++index) {
      set->post(index, [&](Shard& shard) {
        for (int count = 0; count < 40; ++count) {
          shard.executor().spawn(receive());
        }
      });
    }
    set->stop(true);
    set->join();
    EXPECT_EQ(ended, 80);
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace sluice::runtime_test
