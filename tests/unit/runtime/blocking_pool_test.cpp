#include <sluice/blocking_pool.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/shard.hpp>
#include <sluice/sync.hpp>

#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

TEST(BlockingPool, RunsElsewhereAndAnswersAtHome) {
  BlockingPool pool({});
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run([&]() -> Task<void> {
    const auto home = std::this_thread::get_id();
    const auto there = co_await pool.run([] { return std::this_thread::get_id(); });
    CO_ASSERT_TRUE(there);
    EXPECT_NE(*there, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
    auto moved = co_await pool.run([] { return std::make_unique<int>(3); });
    EXPECT_EQ(**moved, 3);
  }());
  EXPECT_EQ(pool.pending(), 0U);
}

TEST(BlockingPool, DoesNotHoldUpTheLoopThatWaits) {
  BlockingPool pool({.threads = 1});
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  std::binary_semaphore go_on{0};
  const auto block = [&]() -> Task<int> {
    co_return (co_await pool.run([&go_on] {
      go_on.acquire();
      return 1;
    })).value_or(0);
  };
  const auto let_go = [&]() -> Task<int> {
    co_await yield();
    go_on.release();
    co_return 2;
  };
  loop.run([&]() -> Task<void> {
    const auto [blocked, released] = co_await when_all(block(), let_go());
    EXPECT_EQ(blocked, 1);
    EXPECT_EQ(released, 2);
  }());
}

TEST(BlockingPool, RefusesMoreThanItsLimitAndTakesMoreLater) {
  BlockingPool pool({.threads = 1, .queue_limit = 2});
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  std::counting_semaphore<> go_on{0};
  std::binary_semaphore begun{0};
  int ran = 0;
  int refused = 0;
  const auto call = [&]() -> Task<void> {
    const auto result = co_await pool.run([&] {
      begun.release();
      go_on.acquire();
      return 1;
    });
    if (result) {
      ++ran;
    } else {
      EXPECT_EQ(result.error(), std::errc::resource_unavailable_try_again);
      ++refused;
    }
  };
  loop.run([&]() -> Task<void> {
    TaskScope tasks(co_await current_context());
    tasks.spawn(call());
    co_await yield();
    begun.acquire();  // the one thread is busy, and the queue empty
    for (int count = 0; count < 5; ++count) {
      tasks.spawn(call());
    }
    co_await yield();
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(pool.pending(), 3U);
    begun.try_acquire();
    go_on.release(100);
    co_await tasks.join();
    EXPECT_EQ(ran, 3);
    co_await call();
    EXPECT_EQ(ran, 4);
  }());
}

TEST(BlockingPool, ServesManyShardsAtOnce) {
  BlockingPool pool({.threads = 3});
  const auto set = start(2);
  std::atomic<int> right{0};
  std::latch done(40);
  const auto call = [&](int number) -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      const auto doubled = co_await pool.run([number, round] { return 2 * (number + round); });
      right += doubled == 2 * (number + round) ? 1 : 0;
    }
    done.count_down();
  };
  for (unsigned index = 0; index < 2; ++index) {
    set->post(index, [&](Shard& shard) {
      for (int number = 0; number < 20; ++number) {
        shard.executor().spawn(call(number));
      }
    });
  }
  done.wait();
  EXPECT_EQ(right, 2000);
}

// The thread that ran the last call must be done with the executor when run() has returned.
TEST(BlockingPool, AnExecutorMayEndRightAfterItsLastCall) {
  BlockingPool pool({});
  for (int round = 0; round < 1000; ++round) {
    Loop loop;
    ASSERT_TRUE(loop.executor().enable_messages());
    loop.run([](BlockingPool& calls) -> Task<void> {
      EXPECT_EQ(co_await calls.run([] { return 1; }), 1);
    }(pool));
  }
}

}  // namespace
}  // namespace sluice::runtime_test
