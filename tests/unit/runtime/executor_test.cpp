#include <sluice/executor.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(Executor, WithoutWorkReturnsAtOnce) {
  Loop loop;
  loop.run();
  EXPECT_EQ(loop.reactor().metrics().enters.value(), 0U);
}

TEST(Executor, RunsTasksInTheOrderOfSpawning) {
  Loop loop;
  std::vector<int> order;
  const auto note = [&order](int number) -> Task<void> {
    order.push_back(number);
    co_await yield();
    order.push_back(number + 100);
  };
  for (int number = 0; number < 5; ++number) {
    loop.spawn(note(number));
  }
  EXPECT_TRUE(order.empty()) << "nothing runs before run()";
  loop.run();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 100, 101, 102, 103, 104}));
  EXPECT_EQ(loop.executor().metrics().tasks_alive.value(), 0);
  EXPECT_EQ(loop.executor().metrics().tasks_spawned.value(), 5U);
}

TEST(Executor, CanBeRunAgain) {
  Loop loop;
  int runs = 0;
  const auto count = [&runs]() -> Task<void> {
    co_await yield();
    ++runs;
  };
  for (int round = 1; round <= 3; ++round) {
    loop.run(count());
    EXPECT_EQ(runs, round);
  }
}

TEST(Executor, RunsWhatATaskSpawns) {
  Loop loop;
  int alive = 0;
  const auto family = [&](auto&& self, int generations) -> Task<void> {
    ++alive;
    if (generations > 0) {
      loop.spawn(self(self, generations - 1));
      loop.spawn(self(self, generations - 1));
    }
    co_return;
  };
  loop.run(family(family, 9));
  EXPECT_EQ(alive, 1023);
}

TEST(Executor, WaitsForOperationsThatNoTaskAwaits) {
  Loop loop;
  RecordingWaker waker;
  ASSERT_TRUE(loop.reactor().register_operation(waker, {}));
  loop.run();
  EXPECT_TRUE(waker.is_done());
}

TEST(Executor, StoppingCancelsAllTasksAndThoseThatComeLater) {
  Loop loop;
  int cancelled = 0;
  const auto sleep = [&cancelled]() -> Task<void> {
    const auto slept = co_await sleep_for(1h);
    cancelled += !slept && is_cancelled(slept.error()) ? 1 : 0;
  };
  for (int count = 0; count < 10; ++count) {
    loop.spawn(sleep());
  }
  loop.spawn(calling([&]() -> Task<void> {
    co_await yield();
    loop.executor().stop();
    loop.spawn(sleep());
  }));
  loop.run();
  EXPECT_EQ(cancelled, 11);
}

TEST(Executor, StoppingBeforeItRunsCancelsWhatIsSpawned) {
  Loop loop;
  loop.executor().stop();
  bool cancelled = false;
  loop.run([&]() -> Task<void> { cancelled = !co_await Operation(NopRequest{}); }());
  EXPECT_TRUE(cancelled);
}

TEST(Executor, ResumesAtMostSoManyBetweenTwoLooksAtTheRing) {
  Loop loop(kSmallRing, {}, {.resumes_per_turn = 10});
  int begun = 0;
  const auto count = [&begun]() -> Task<void> {
    ++begun;
    co_return;
  };
  // A completion that is there from the first turn on is seen after ten tasks, not after a
  // thousand.
  int begun_at_completion = -1;
  RecordingWaker waker([&](Completion) { begun_at_completion = begun; });
  ASSERT_TRUE(loop.reactor().register_operation(waker, {}));
  for (int number = 0; number < 1000; ++number) {
    loop.spawn(count());
  }
  loop.run();
  EXPECT_EQ(begun, 1000);
  EXPECT_EQ(begun_at_completion, 10);
  EXPECT_GE(loop.executor().metrics().turns.value(), 100U);
}

TEST(Executor, TasksThatAreAlwaysReadyStarveNeitherOthersNorTimersNorIo) {
  Loop loop(kSmallRing, {}, {.resumes_per_turn = 8});
  bool done = false;
  std::vector<std::uint64_t> rounds(50);
  const auto spin = [&done](std::uint64_t& count) -> Task<void> {
    while (!done) {
      ++count;
      co_await yield();
    }
  };
  for (std::uint64_t& count : rounds) {
    loop.spawn(spin(count));
  }
  loop.spawn([](bool& finished) -> Task<void> {
    const Pair pair = socket_pair();
    EXPECT_TRUE(co_await sleep_for(5ms));
    EXPECT_TRUE(co_await pair.near.send(bytes_of("x")));
    std::array<std::byte, 4> buffer;
    EXPECT_EQ(co_await pair.far.receive(buffer), 1U);
    finished = true;
  }(done));
  loop.run();
  const auto [least, most] = std::ranges::minmax(rounds);
  EXPECT_GE(least, 1U);
  EXPECT_LE(most - least, 1U) << "they take turns";
}

TEST(Executor, IsHeldWithoutTasksUntilItIsReleased) {
  struct Release final : Message {
    explicit Release(Executor& executor_in) : executor(executor_in) {}
    void run() noexcept override {
      ++runs;
      executor.release();
    }
    Executor& executor;
    int runs = 0;
  };
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  Release release(loop.executor());
  loop.executor().hold();
  std::thread other([&] { loop.executor().post(release); });
  loop.run();
  other.join();
  EXPECT_EQ(release.runs, 1);
  EXPECT_EQ(loop.executor().metrics().messages_received.value(), 1U);
}

TEST(Executor, ItsTimeIsThatOfTheTurnAndNotOfItsConstruction) {
  Loop loop;
  const TimePoint constructed = loop.executor().now();
  std::this_thread::sleep_for(20ms);
  const TimePoint begun = Clock::now();
  TimePoint seen_first;
  TimePoint seen_later;
  loop.run([&]() -> Task<void> {
    seen_first = loop.executor().now();
    static_cast<void>(co_await sleep_for(1ms));
    seen_later = loop.executor().now();
  }());
  EXPECT_GT(begun, constructed);
  EXPECT_GE(seen_first, begun) << "the first turn began after run() was called";
  EXPECT_GT(seen_later, seen_first);
}

TEST(Executor, ItsTimeIsThatOfTheTurnWhenItIsRunAgain) {
  Loop loop;
  loop.run([]() -> Task<void> { co_await yield(); }());
  std::this_thread::sleep_for(30ms);
  const TimePoint begun = Clock::now();
  loop.run([]() -> Task<void> { EXPECT_TRUE(co_await sleep_for(20ms)); }());
  EXPECT_GE(Clock::now() - begun, 20ms) << "slept less than it was asked to";
}

TEST(Executor, AnIdleOneDoesNotTurn) {
  Loop loop;
  const Pair pair = socket_pair();
  std::thread sender;
  loop.run([&]() -> Task<void> {
    // From here on nothing happens for a tenth of a second but one thing at the end.
    sender = std::thread([&pair] {
      std::this_thread::sleep_for(100ms);
      put(pair.far.fd(), "x");
    });
    const auto enters_before = loop.reactor().metrics().enters.value();
    std::array<std::byte, 4> buffer;
    EXPECT_EQ(co_await pair.near.receive(buffer), 1U);
    EXPECT_LE(loop.reactor().metrics().enters.value() - enters_before, 3U);
  }());
  sender.join();
}

TEST(Executor, AnIdleOneWithADistantTimerAndMessagesEnabledDoesNotTurnEither) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run([&]() -> Task<void> {
    TaskScope others(co_await current_context());
    for (int count = 0; count < 100; ++count) {
      others.spawn([]() -> Task<void> { static_cast<void>(co_await sleep_for(1h)); }());
    }
    co_await yield();
    const auto enters_before = loop.reactor().metrics().enters.value();
    EXPECT_TRUE(co_await sleep_for(100ms));
    EXPECT_LE(loop.reactor().metrics().enters.value() - enters_before, 4U);
    others.cancel();
    co_await others.join();
  }());
}

// A scrape comes while the loop sleeps, and must see what it sleeps on.
TEST(Executor, CountsTheTimersThatWereArmedInTheTurnBeforeItSleeps) {
  Loop loop;
  const Gauge& armed = loop.executor().metrics().timers_armed;
  std::int64_t seen = -1;
  RecordingWaker waker([&](Completion) { seen = armed.value(); });
  ASSERT_TRUE(loop.reactor().register_operation(waker, {}));
  loop.run([]() -> Task<void> { EXPECT_TRUE(co_await sleep_for(1ms)); }());
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(armed.value(), 0);
}

TEST(ExecutorDeathTest, EndingWithATaskAliveAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.spawn([]() -> Task<void> { co_return; }());
      },
      "broken rule: an Executor ends only when its tasks have");
}

}  // namespace
}  // namespace sluice::runtime_test
