#include <sluice/task.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

Task<int> number(int value) { co_return value; }
Task<void> nothing() { co_return; }
Task<int> number_after_a_wait(int value) {
  co_await yield();
  co_return value;
}

TEST(Task, GivesItsValue) {
  Loop loop;
  EXPECT_EQ(loop.run(number(42)), 42);
  EXPECT_EQ(loop.run(number_after_a_wait(43)), 43);
}

TEST(Task, IsLazyUntilItIsAwaited) {
  Loop loop;
  bool began = false;
  const auto begin = [&began]() -> Task<void> {
    began = true;
    co_return;
  };
  loop.run([&]() -> Task<void> {
    auto task = begin();
    co_await yield();
    EXPECT_FALSE(began);
    co_await std::move(task);
    EXPECT_TRUE(began);
  }());
}

TEST(Task, RunsTheChildAtOnceUntilItHasToWait) {
  Loop loop;
  std::vector<std::string> order;
  const auto child = [&]() -> Task<void> {
    order.emplace_back("child begins");
    co_await yield();
    order.emplace_back("child goes on");
  };
  loop.spawn(calling([&]() -> Task<void> {
    order.emplace_back("parent begins");
    co_await child();
    order.emplace_back("parent goes on");
  }));
  loop.spawn(calling([&]() -> Task<void> {
    order.emplace_back("other");
    co_return;
  }));
  loop.run();
  EXPECT_EQ(order, (std::vector<std::string>{"parent begins", "child begins", "other",
                                             "child goes on", "parent goes on"}));
}

TEST(Task, CarriesWhatCanOnlyBeMoved) {
  Loop loop;
  const auto make = [](bool waits) -> Task<std::unique_ptr<int>> {
    if (waits) {
      co_await yield();
    }
    co_return std::make_unique<int>(7);
  };
  EXPECT_EQ(*loop.run(make(false)), 7);
  EXPECT_EQ(*loop.run(make(true)), 7);
}

struct NoDefault {
  explicit NoDefault(int value_in) : value(value_in) {}
  NoDefault(const NoDefault&) = delete;
  NoDefault(NoDefault&&) = default;
  int value;
};

TEST(Task, CarriesWhatHasNoDefault) {
  Loop loop;
  EXPECT_EQ(loop.run([]() -> Task<NoDefault> { co_return NoDefault(5); }()).value, 5);
}

TEST(Task, ConvertsWhatIsReturned) {
  Loop loop;
  EXPECT_EQ(loop.run([]() -> Task<std::string> { co_return "text"; }()), "text");
  const auto fails = []() -> Task<Result<int>> { co_return failure(ENOENT); };
  EXPECT_EQ(loop.run(fails()).error(), std::errc::no_such_file_or_directory);
}

Task<int> throws(bool waits) {
  if (waits) {
    co_await yield();
  }
  throw std::runtime_error("from the child");
}

TEST(Task, AnExceptionSurfacesWhereTheTaskIsAwaited) {
  Loop loop;
  int caught = 0;
  loop.run([](int& count) -> Task<void> {
    for (const bool waits : {false, true}) {
      try {
        static_cast<void>(co_await throws(waits));
        ADD_FAILURE() << "not reached";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "from the child");
        ++count;
      }
    }
  }(caught));
  EXPECT_EQ(caught, 2);
}

TEST(Task, AnExceptionPassesThroughTheTasksBetween) {
  Loop loop;
  int destroyed = 0;
  struct CountsItsEnd {
    int& count;
    ~CountsItsEnd() { ++count; }
  };
  const auto middle = [&](auto&& self, int depth) -> Task<void> {
    const CountsItsEnd local{destroyed};
    if (depth == 0) {
      static_cast<void>(co_await throws(true));
    } else {
      co_await self(self, depth - 1);
    }
  };
  loop.run([&]() -> Task<void> {
    try {
      co_await middle(middle, 9);
      ADD_FAILURE() << "not reached";
    } catch (const std::runtime_error&) {
      EXPECT_EQ(destroyed, 10);
    }
  }());
  EXPECT_EQ(destroyed, 10);
}

TEST(Task, AVoidTaskThrowsToo) {
  Loop loop;
  const auto throws_nothing = []() -> Task<void> {
    throw 17;
    co_return;
  };
  loop.run([&]() -> Task<void> {
    int caught = 0;
    try {
      co_await throws_nothing();
    } catch (int value) {
      caught = value;
    }
    EXPECT_EQ(caught, 17);
  }());
}

TEST(Task, OneThatNeverBeganFreesItsArguments) {
  auto shared = std::make_shared<int>(1);
  const auto hold = [](std::shared_ptr<int> held) -> Task<int> { co_return *held; };
  {
    const Task<int> never_run = hold(shared);
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Task, MovingHandsOverAndAssigningFreesTheOldOne) {
  auto shared = std::make_shared<int>(1);
  const auto hold = [](std::shared_ptr<int> held, int value) -> Task<int> {
    co_return *held + value;
  };
  Loop loop;
  Task<int> first = hold(shared, 10);
  Task<int> second = hold(shared, 20);
  first = std::move(second);
  EXPECT_EQ(shared.use_count(), 2);
  Task<int> third(std::move(first));
  Task<int>& same = third;
  third = std::move(same);
  EXPECT_EQ(loop.run(std::move(third)), 21);
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Task, FreesTheChildsFrameAsSoonAsItIsDone) {
  Loop loop;
  auto shared = std::make_shared<int>(3);
  const auto hold = [](std::shared_ptr<int> held, bool waits) -> Task<int> {
    if (waits) {
      co_await yield();
    }
    co_return *held;
  };
  loop.run([&]() -> Task<void> {
    for (const bool waits : {false, true}) {
      EXPECT_EQ(co_await hold(shared, waits), 3);
      EXPECT_EQ(shared.use_count(), 1);
    }
  }());
}

// The smallest stack on which a thread of the runtime can start under every sanitizer. Growth by
// one frame an await would need hundreds of times as much.
constexpr std::size_t kSmallStack = 128 * 1024;

TEST(TaskStack, DoesNotGrowOverAMillionAwaitsThatAreReady) {
  std::uint64_t sum = 0;
  run_on_small_stack(kSmallStack, [&sum] {
    Loop loop;
    loop.run([](std::uint64_t& total) -> Task<void> {
      for (int count = 0; count < 1'000'000; ++count) {
        total += static_cast<std::uint64_t>(co_await number(count));
        co_await nothing();
      }
    }(sum));
  });
  EXPECT_EQ(sum, 499'999'500'000U);
}

TEST(TaskStack, DoesNotGrowOverOperationsThatFailAtOnce) {
  std::uint64_t failed = 0;
  run_on_small_stack(kSmallStack, [&failed] {
    Loop loop(kSmallRing, {.max_operations = 0});
    loop.run([](std::uint64_t& total) -> Task<void> {
      for (int count = 0; count < 1'000'000; ++count) {
        const auto result = co_await Operation(NopRequest{});
        total += result.has_value() ? 0 : 1;
      }
    }(failed));
  });
  EXPECT_EQ(failed, 1'000'000U);
}

TEST(TaskStack, DoesNotGrowOverAwaitsThatHaveToWait) {
  std::uint64_t sum = 0;
  run_on_small_stack(kSmallStack, [&sum] {
    Loop loop;
    loop.run([](std::uint64_t& total) -> Task<void> {
      for (int count = 0; count < 100'000; ++count) {
        total += static_cast<std::uint64_t>(co_await number_after_a_wait(1));
        total += static_cast<std::uint64_t>(co_await number(1));
      }
    }(sum));
  });
  EXPECT_EQ(sum, 200'000U);
}

TEST(TaskStack, DoesNotGrowOverAMillionAwaitsThatThrow) {
  std::uint64_t caught = 0;
  run_on_small_stack(kSmallStack, [&caught] {
    Loop loop;
    loop.run([](std::uint64_t& total) -> Task<void> {
      for (int count = 0; count < 20'000; ++count) {
        try {
          static_cast<void>(co_await throws(false));
        } catch (const std::runtime_error&) {
          ++total;
        }
      }
    }(caught));
  });
  EXPECT_EQ(caught, 20'000U);
}

Task<int> nested(int depth, bool waits) {
  if (depth == 0) {
    if (waits) {
      co_await yield();
    }
    co_return 0;
  }
  const int below = co_await nested(depth - 1, waits);
  co_return below + 1;
}

TEST(TaskStack, NestsAsDeepAsTheStackOfTheThreadAllows) {
  for (const bool waits : {false, true}) {
    Loop loop;
    EXPECT_EQ(loop.run(nested(2000, waits)), 2000);
  }
}

TEST(TaskStack, UnwindsADeepChainManyTimesOnTheSamePlace) {
  std::uint64_t sum = 0;
  run_on_small_stack(2 * kSmallStack, [&sum] {
    Loop loop;
    loop.run([](std::uint64_t& total) -> Task<void> {
      for (int count = 0; count < 2000; ++count) {
        total += static_cast<std::uint64_t>(co_await nested(50, count % 2 == 0));
      }
    }(sum));
  });
  EXPECT_EQ(sum, 100'000U);
}

TEST(TaskDeathTest, AnExceptionThatNobodyAwaitsEndsTheProgram) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          co_await yield();
          throw std::runtime_error("nobody listens");
        }());
      },
      "nobody listens");
}

// A coroutine type of somebody else's that awaits operations of the runtime, and is destroyed at a
// moment when no task of the runtime ever would be.
struct Careless {
  struct promise_type : detail::PromiseBase {
    Careless get_return_object() {
      self_ = std::coroutine_handle<promise_type>::from_promise(*this);
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    void run_on(Executor& executor) { executor_ = &executor; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
};

void destroy_while_receiving() {
  Loop loop;
  const Pair pair = socket_pair();
  std::array<std::byte, 8> buffer;
  const auto receive = [&]() -> Careless { co_await pair.near.receive(buffer); };
  const Careless careless = receive();
  careless.handle.promise().run_on(loop.executor());
  careless.handle.resume();
  careless.handle.destroy();
}

TEST(TaskDeathTest, DestroyingACoroutineWhoseOperationIsInFlightAborts) {
  EXPECT_DEATH(destroy_while_receiving(),
               "a coroutine is destroyed only when its operations are complete");
}

}  // namespace
}  // namespace sluice::runtime_test
