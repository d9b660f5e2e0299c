#include <sluice/mutex.hpp>

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Task<void> lock_and_note(Mutex& mutex, std::vector<int>& order, int number) {
  const auto guard = co_await mutex.lock();
  order.push_back(guard ? number : -number);
  co_await yield();
}

TEST(MutexTest, LetsOneThroughAtATime) {
  Loop loop;
  Mutex mutex;
  int inside = 0;
  int rounds = 0;
  const auto work = [&]() -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      const auto guard = co_await mutex.lock();
      EXPECT_TRUE(guard);
      EXPECT_EQ(++inside, 1);
      co_await yield();
      EXPECT_EQ(--inside, 0);
      ++rounds;
    }
  };
  for (int count = 0; count < 8; ++count) {
    loop.spawn(work());
  }
  loop.run();
  EXPECT_EQ(rounds, 400);
  EXPECT_FALSE(mutex.is_locked());
}

TEST(MutexTest, IsHandedOnInTheOrderTheyCameAndNobodySlipsIn) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Mutex mutex;
    std::vector<int> order;
    TaskScope tasks(co_await current_context());
    {
      auto guard = co_await mutex.lock();
      for (int number = 1; number <= 4; ++number) {
        tasks.spawn(lock_and_note(mutex, order, number));
      }
      co_await yield();
      guard->unlock();
      EXPECT_FALSE(guard->owns_lock());
      EXPECT_TRUE(mutex.is_locked()) << "it is the first waiter's already";
      EXPECT_FALSE(mutex.try_lock());
      guard->unlock();  // does nothing
      tasks.spawn(lock_and_note(mutex, order, 5));
    }
    co_await tasks.join();
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5}));
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.is_locked());
  }());
}

TEST(MutexTest, AWaitIsCancelledAloneAndTheOthersKeepTheirPlaces) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Mutex mutex;
    std::vector<int> order;
    TaskScope stay(co_await current_context());
    TaskScope leave(co_await current_context());
    {
      const auto guard = co_await mutex.lock();
      stay.spawn(lock_and_note(mutex, order, 1));
      leave.spawn(lock_and_note(mutex, order, 2));
      stay.spawn(lock_and_note(mutex, order, 3));
      co_await yield();
      leave.cancel();
      co_await leave.join();
      EXPECT_EQ(order, std::vector{-2});
    }
    co_await stay.join();
    EXPECT_EQ(order, (std::vector{-2, 1, 3}));
  }());
}

TEST(MutexTest, InACancelledScopeIsNotLocked) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Mutex mutex;
    CancelScope scope;
    scope.cancel();
    const auto guard = co_await mutex.lock().within(scope);
    EXPECT_TRUE(!guard && is_cancelled(guard.error()));
    EXPECT_FALSE(mutex.is_locked());
  }());
}

TEST(MutexTest, ADeadlineEndsAWait) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    Mutex mutex;
    const auto guard = co_await mutex.lock();
    const auto late = co_await with_deadline(loop.executor().now() + 1ms, mutex.lock());
    EXPECT_EQ(late.error(), std::errc::timed_out);
  }());
}

// Whoever was handed the mutex has it, even if a cancel comes before it runs again.
TEST(MutexTest, CancelledAtRandomMomentsIsNeverLostNorHeldTwice) {
  Loop loop;
  std::mt19937 random(7);
  int held = 0;
  int cancelled = 0;
  loop.run([&]() -> Task<void> {
    Mutex mutex;
    int inside = 0;
    const auto work = [&](CancelScope& scope) -> Task<void> {
      const auto guard = co_await mutex.lock().within(scope);
      if (!guard) {
        ++cancelled;
        co_return;
      }
      EXPECT_EQ(++inside, 1);
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      --inside;
      ++held;
    };
    for (int round = 0; round < 1000; ++round) {
      TaskScope tasks(co_await current_context());
      CancelScope scope;
      for (auto count = random() % 5 + 1; count > 0; --count) {
        tasks.spawn(work(scope));
      }
      for (auto turns = random() % 4; turns > 0; --turns) {
        co_await yield();
      }
      scope.cancel();
      co_await tasks.join();
      EXPECT_FALSE(mutex.is_locked());
    }
  }());
  EXPECT_GT(held, 100);
  EXPECT_GT(cancelled, 100);
}

TEST(MutexDeathTest, EndingWhileItIsHeldAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          auto mutex = std::make_unique<Mutex>();
          const auto guard = co_await mutex->lock();
          mutex.reset();
        }());
      },
      "broken rule: a Mutex outlives those who hold it or wait for it");
}

}  // namespace
}  // namespace sluice::runtime_test
