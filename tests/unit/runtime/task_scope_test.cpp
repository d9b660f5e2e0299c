#include <sluice/task_scope.hpp>

#include <chrono>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Task<void> add_later(int& sum, int value) {
  co_await yield();
  sum += value;
}
Task<void> sleep_until_cancelled(int& cancelled) {
  const auto slept = co_await sleep_for(1h);
  cancelled += !slept && is_cancelled(slept.error()) ? 1 : 0;
}

TEST(TaskScope, JoiningWaitsForAllChildren) {
  Loop loop;
  loop.run([]() -> Task<void> {
    int sum = 0;
    TaskScope scope(co_await current_context());
    for (int value = 1; value <= 100; ++value) {
      scope.spawn(add_later(sum, value));
    }
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(scope.alive(), 100U);
    co_await scope.join();
    EXPECT_EQ(sum, 5050);
    EXPECT_EQ(scope.alive(), 0U);
  }());
}

TEST(TaskScope, JoiningNobodyDoesNotWait) {
  Loop loop;
  loop.run([]() -> Task<void> {
    TaskScope scope(co_await current_context());
    co_await scope.join();
    co_await scope.join();
  }());
}

TEST(TaskScope, CanBeUsedAgainAfterJoining) {
  Loop loop;
  loop.run([]() -> Task<void> {
    int sum = 0;
    TaskScope scope(co_await current_context());
    for (int round = 1; round <= 3; ++round) {
      scope.spawn(add_later(sum, 1));
      co_await scope.join();
      EXPECT_EQ(sum, round);
    }
  }());
}

TEST(TaskScope, ChildrenMaySpawnSiblings) {
  Loop loop;
  loop.run([]() -> Task<void> {
    int ran = 0;
    TaskScope scope(co_await current_context());
    const auto child = [&](auto&& self, int generations) -> Task<void> {
      ++ran;
      co_await yield();
      if (generations > 0) {
        scope.spawn(self(self, generations - 1));
        scope.spawn(self(self, generations - 1));
      }
    };
    scope.spawn(child(child, 7));
    co_await scope.join();
    EXPECT_EQ(ran, 255);
  }());
}

TEST(TaskScope, CancellingReachesChildrenNowAndLaterAndNobodyElse) {
  Loop loop;
  loop.run([]() -> Task<void> {
    int cancelled = 0;
    int untouched = 0;
    TaskScope scope(co_await current_context());
    TaskScope beside(co_await current_context());
    scope.spawn(sleep_until_cancelled(cancelled));
    beside.spawn(add_later(untouched, 1));
    co_await yield();
    scope.cancel();
    scope.spawn(sleep_until_cancelled(cancelled));
    co_await scope.join();
    co_await beside.join();
    EXPECT_EQ(cancelled, 2);
    EXPECT_EQ(untouched, 1);
    EXPECT_TRUE(co_await sleep_for(1ms)) << "the parent itself is not cancelled";
  }());
}

TEST(TaskScope, IsCancelledWithItsParent) {
  Loop loop;
  int cancelled = 0;
  const auto nest = [&](auto&& self, int depth) -> Task<void> {
    TaskScope scope(co_await current_context());
    scope.spawn(sleep_until_cancelled(cancelled));
    if (depth > 0) {
      scope.spawn(self(self, depth - 1));
    }
    co_await scope.join();
  };
  loop.spawn(nest(nest, 20));
  loop.spawn(calling([&]() -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      co_await yield();
    }
    loop.executor().stop();
  }));
  loop.run();
  EXPECT_EQ(cancelled, 21);
}

TEST(TaskScope, JoiningIsNotItselfCancelled) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    bool ended = false;
    TaskScope scope(co_await current_context());
    scope.spawn([](bool& done) -> Task<void> {
      for (int round = 0; round < 10; ++round) {
        co_await yield();  // takes no notice of being cancelled
      }
      done = true;
    }(ended));
    loop.executor().stop();
    co_await scope.join();
    EXPECT_TRUE(ended);
  }());
}

TEST(TaskScope, FreesEachChildWhenItEndsAndNotAllAtTheJoin) {
  Loop loop;
  loop.run([]() -> Task<void> {
    auto shared = std::make_shared<int>(0);
    TaskScope scope(co_await current_context());
    scope.spawn([](std::shared_ptr<int> held) -> Task<void> {
      ++*held;
      co_return;
    }(shared));
    EXPECT_EQ(shared.use_count(), 2);
    co_await yield();
    EXPECT_EQ(*shared, 1);
    EXPECT_EQ(shared.use_count(), 1);
    co_await scope.join();
  }());
}

TEST(TaskScope, AChildThatEndsAtOnceAfterTheJoinerWaitsWakesIt) {
  Loop loop;
  loop.run([]() -> Task<void> {
    for (int round = 0; round < 1000; ++round) {
      TaskScope scope(co_await current_context());
      scope.spawn([]() -> Task<void> { co_return; }());
      co_await scope.join();
    }
  }());
  EXPECT_EQ(loop.executor().metrics().tasks_spawned.value(), 1001U);
}

TEST(TaskScope, TheContextIsTheCallersOwn) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    const TaskContext context = co_await current_context();
    EXPECT_EQ(context.executor, &loop.executor());
    EXPECT_EQ(context.cancel_scope, &loop.executor().cancel_scope());
    CancelScope mine(context.cancel_scope);
    const auto child = [](CancelScope& expected) -> Task<void> {
      EXPECT_EQ((co_await current_context()).cancel_scope, &expected);
    };
    co_await child(mine).within(mine);
    co_await child(loop.executor().cancel_scope());
  }());
}

TEST(TaskScopeDeathTest, EndingWithAChildAliveAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          int sum = 0;
          TaskScope scope(co_await current_context());
          scope.spawn(add_later(sum, 1));
        }());
      },
      "broken rule: a TaskScope ends only when its children have: join\\(\\) it first");
}

TEST(TaskScopeDeathTest, ASecondJoinerAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          int sum = 0;
          const TaskContext context = co_await current_context();
          TaskScope scope(context);
          TaskScope joiners(context);
          scope.spawn(sleep_until_cancelled(sum));
          const auto join = [](TaskScope& joined) -> Task<void> { co_await joined.join(); };
          joiners.spawn(join(scope));
          joiners.spawn(join(scope));
          co_await joiners.join();
        }());
      },
      "broken rule: one coroutine at a time joins a TaskScope");
}

}  // namespace
}  // namespace sluice::runtime_test
