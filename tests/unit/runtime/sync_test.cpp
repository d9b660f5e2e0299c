#include <sluice/sync.hpp>

#include <vector>

#include <gtest/gtest.h>

#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

Task<void> note_when_set(Event& event, std::vector<int>& order, int number) {
  const auto waited = co_await event.wait();
  order.push_back(waited ? number : -number);
}

TEST(EventTest, WakesAllWhoWaitInTheOrderTheyCame) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Event event;
    std::vector<int> order;
    TaskScope tasks(co_await current_context());
    for (int number = 1; number <= 5; ++number) {
      tasks.spawn(note_when_set(event, order, number));
    }
    co_await yield();
    EXPECT_TRUE(order.empty());
    EXPECT_FALSE(event.is_set());
    event.set();
    EXPECT_TRUE(event.is_set());
    co_await tasks.join();
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5}));
  }());
}

TEST(EventTest, StaysSetUntilItIsReset) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Event event;
    std::vector<int> order;
    event.set();
    EXPECT_TRUE(co_await event.wait());
    EXPECT_TRUE(co_await event.wait());
    event.reset();
    TaskScope tasks(co_await current_context());
    tasks.spawn(note_when_set(event, order, 1));
    co_await yield();
    EXPECT_TRUE(order.empty());
    event.set();
    event.reset();
    co_await tasks.join();
    EXPECT_EQ(order, std::vector{1}) << "who waited is woken though it was reset at once";
  }());
}

TEST(EventTest, AWaitIsCancelledAlone) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Event event;
    std::vector<int> order;
    TaskScope cancelled(co_await current_context());
    TaskScope stays(co_await current_context());
    stays.spawn(note_when_set(event, order, 1));
    cancelled.spawn(note_when_set(event, order, 2));
    stays.spawn(note_when_set(event, order, 3));
    co_await yield();
    cancelled.cancel();
    co_await cancelled.join();
    EXPECT_EQ(order, std::vector{-2});
    event.set();
    co_await stays.join();
    EXPECT_EQ(order, (std::vector{-2, 1, 3}));
  }());
}

TEST(EventTest, SetAndCancelledInOneMomentWakesOnce) {
  for (const bool set_first : {true, false}) {
    Loop loop;
    loop.run([](bool sets_first) -> Task<void> {
      Event event;
      std::vector<int> order;
      TaskScope tasks(co_await current_context());
      tasks.spawn(note_when_set(event, order, 1));
      co_await yield();
      if (sets_first) {
        event.set();
      }
      tasks.cancel();
      event.set();
      co_await tasks.join();
      EXPECT_EQ(order, std::vector{sets_first ? 1 : -1});
    }(set_first));
  }
}

TEST(EventTest, InACancelledScopeDoesNotWait) {
  Loop loop;
  loop.executor().stop();
  loop.run([]() -> Task<void> {
    Event event;
    const auto waited = co_await event.wait();
    EXPECT_TRUE(!waited && is_cancelled(waited.error()));
  }());
}

TEST(EventDeathTest, EndingWhileSomebodyWaitsAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          std::vector<int> order;
          TaskScope tasks(co_await current_context());
          Event event;
          tasks.spawn(note_when_set(event, order, 1));
          co_await yield();
        }());
      },
      "broken rule: an Event outlives those who wait for it");
}

TEST(Yield, LetsTheOthersGoFirst) {
  Loop loop;
  std::vector<int> order;
  const auto count = [&order](int number) -> Task<void> {
    for (int round = 0; round < 3; ++round) {
      order.push_back(number);
      co_await yield();
    }
  };
  loop.spawn(count(1));
  loop.spawn(count(2));
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 1, 2, 1, 2}));
}

TEST(Yield, LetsCompletionsBeReaped) {
  Loop loop;
  RecordingWaker waker;
  ASSERT_TRUE(loop.reactor().register_operation(waker, {}));
  loop.run([&]() -> Task<void> {
    while (!waker.is_done()) {
      co_await yield();
    }
  }());
  EXPECT_TRUE(waker.is_done());
}

}  // namespace
}  // namespace sluice::runtime_test
