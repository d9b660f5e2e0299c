#include <sluice/semaphore.hpp>

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Task<void> acquire_and_note(Semaphore& semaphore, std::size_t units, std::vector<int>& order,
                            int number) {
  const auto permit = co_await semaphore.acquire(units);
  order.push_back(permit ? number : -number);
}

TEST(SemaphoreTest, NeverHasMoreOutThanThereAre) {
  Loop loop;
  Semaphore semaphore(3);
  std::size_t out = 0;
  std::size_t most = 0;
  const auto work = [&](std::size_t units) -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      const auto permit = co_await semaphore.acquire(units);
      EXPECT_EQ(permit->units(), units);
      out += units;
      most = std::max(most, out);
      co_await yield();
      out -= units;
    }
  };
  for (const std::size_t units : {1U, 2U, 3U, 1U, 1U, 2U}) {
    loop.spawn(work(units));
  }
  loop.run();
  EXPECT_EQ(most, 3U);
  EXPECT_EQ(semaphore.available(), 3U);
}

TEST(SemaphoreTest, OneThatNeedsManyIsNotPassedByThoseBehindIt) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Semaphore semaphore(3);
    std::vector<int> order;
    TaskScope tasks(co_await current_context());
    {
      auto two = co_await semaphore.acquire(2);
      tasks.spawn(acquire_and_note(semaphore, 3, order, 1));
      tasks.spawn(acquire_and_note(semaphore, 1, order, 2));
      co_await yield();
      EXPECT_TRUE(order.empty());
      EXPECT_EQ(semaphore.available(), 1U);
      EXPECT_FALSE(semaphore.try_acquire()) << "others wait for it";
      two->release();
      EXPECT_EQ(two->units(), 0U);
    }
    co_await tasks.join();
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_EQ(semaphore.try_acquire(3)->units(), 3U);
    EXPECT_EQ(semaphore.available(), 3U);
  }());
}

TEST(SemaphoreTest, WhenTheOneThatNeedsManyLeavesTheOthersGoOn) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Semaphore semaphore(3);
    std::vector<int> order;
    TaskScope leave(co_await current_context());
    TaskScope stay(co_await current_context());
    const auto two = co_await semaphore.acquire(2);
    leave.spawn(acquire_and_note(semaphore, 3, order, 1));
    stay.spawn(acquire_and_note(semaphore, 1, order, 2));
    co_await yield();
    leave.cancel();
    co_await stay.join();
    co_await leave.join();
    EXPECT_EQ(order.size(), 2U);
    EXPECT_TRUE(std::ranges::count(order, 2) == 1 && std::ranges::count(order, -1) == 1);
  }());
}

TEST(SemaphoreTest, MoreThanThereEverAreIsAnErrorAndNoWait) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Semaphore semaphore(3);
    EXPECT_EQ((co_await semaphore.acquire(4)).error(), std::errc::invalid_argument);
    EXPECT_FALSE(semaphore.try_acquire(4));
    const auto nothing = co_await semaphore.acquire(0);
    EXPECT_TRUE(nothing);
    EXPECT_EQ(semaphore.available(), 3U);
  }());
}

TEST(SemaphoreTest, ADeadlineEndsAWait) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    Semaphore semaphore(1);
    const auto permit = co_await semaphore.acquire();
    const auto late = co_await with_deadline(loop.executor().now() + 1ms, semaphore.acquire());
    EXPECT_EQ(late.error(), std::errc::timed_out);
  }());
}

TEST(SemaphoreTest, CancelledAtRandomMomentsLosesNoUnit) {
  Loop loop;
  std::mt19937 random(11);
  int cancelled = 0;
  loop.run([&]() -> Task<void> {
    Semaphore semaphore(4);
    const auto work = [&](CancelScope& scope, std::size_t units) -> Task<void> {
      const auto permit = co_await semaphore.acquire(units).within(scope);
      cancelled += permit ? 0 : 1;
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
    };
    for (int round = 0; round < 1000; ++round) {
      TaskScope tasks(co_await current_context());
      CancelScope scopes[2];
      for (auto count = random() % 6 + 1; count > 0; --count) {
        tasks.spawn(work(scopes[random() % 2], random() % 4 + 1));
      }
      for (auto turns = random() % 4; turns > 0; --turns) {
        co_await yield();
      }
      scopes[random() % 2].cancel();
      co_await tasks.join();
      EXPECT_EQ(semaphore.available(), 4U);
    }
  }());
  EXPECT_GT(cancelled, 100);
}

TEST(SemaphoreDeathTest, EndingWhileAPermitIsOutAborts) {
  EXPECT_DEATH(
      {
        auto semaphore = std::make_unique<Semaphore>(1);
        const auto permit = semaphore->try_acquire();
        semaphore.reset();
      },
      "broken rule: a Semaphore outlives its permits and those who wait for one");
}

}  // namespace
}  // namespace sluice::runtime_test
