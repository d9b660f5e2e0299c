// What the loop costs while there is nothing to do, and what it tells when there is too much. The
// second in which nothing happens is what is measured; nothing waits for it to be over.
#include <sys/resource.h>

#include <chrono>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

// What the calling thread has used.
struct Usage {
  Duration cpu{};
  std::uint64_t turns = 0;
};

[[nodiscard]] Usage usage_of_this_thread(const Executor& executor) {
  rusage used{};
  EXPECT_EQ(::getrusage(RUSAGE_THREAD, &used), 0);
  const auto time = [](const timeval& value) {
    return std::chrono::seconds(value.tv_sec) + std::chrono::microseconds(value.tv_usec);
  };
  return {time(used.ru_utime) + time(used.ru_stime), executor.metrics().turns.value()};
}

// A loop that spun, or woke a thousand times a second, would be far beyond these; a busy machine
// makes nobody turn more often. How often the thread slept is not asked: the kernel may put it to
// sleep and wake it again inside one call.
void expect_idle(const Usage& before, const Usage& after) {
  EXPECT_LE(after.turns - before.turns, 20U);
  EXPECT_LT(after.cpu - before.cpu, 200ms);
}

TEST(Idle, AnExecutorThatWaitsForATimerUsesNoCpu) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run(calling([&]() -> Task<void> {
    co_await yield();
    const Usage before = usage_of_this_thread(loop.executor());
    EXPECT_TRUE(co_await sleep_for(1s));
    expect_idle(before, usage_of_this_thread(loop.executor()));
  }));
}

TEST(Idle, AnExecutorThatWaitsForAnOperationUsesNoCpu) {
  Loop loop;
  const Pair silent = socket_pair();
  loop.run(calling([&]() -> Task<void> {
    Deadline second(co_await current_context());
    second.set(loop.executor().now() + 1s);
    std::array<std::byte, 4> buffer;
    const Usage before = usage_of_this_thread(loop.executor());
    EXPECT_FALSE(co_await silent.near.receive(buffer).within(second.scope()));
    expect_idle(before, usage_of_this_thread(loop.executor()));
  }));
}

TEST(Idle, ShardsWithoutWorkUseNoCpu) {
  const auto shards = start(2);
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  const auto usage = [](Shard& shard) { return usage_of_this_thread(shard.executor()); };
  loop.run(calling([&]() -> Task<void> {
    const Usage first = co_await shards->submit_to(0, usage);
    const Usage second = co_await shards->submit_to(1, usage);
    EXPECT_TRUE(co_await sleep_for(1s));
    expect_idle(first, co_await shards->submit_to(0, usage));
    expect_idle(second, co_await shards->submit_to(1, usage));
  }));
}

// How many values of a histogram lie above a bound.
[[nodiscard]] std::uint64_t count_above(const LatencyHistogram& histogram, Duration bound) {
  std::uint64_t count = 0;
  for (std::size_t index = 0; index < LatencyHistogram::kBucketCount; ++index) {
    const bool is_above =
        index > 0 && LatencyHistogram::bounds()[index - 1] >=
                         static_cast<std::uint64_t>(std::chrono::nanoseconds(bound).count());
    count += is_above ? histogram.bucket(index) : 0;
  }
  return count;
}

TEST(LoopDelay, ShowsALongComputation) {
  const auto shards = start(1);
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run(calling([&]() -> Task<void> {
    co_await shards->submit_to(0, [](Shard&) {
      const TimePoint end = Clock::now() + 100ms;
      while (Clock::now() < end) {
      }
    });
    // The turn of the computation has ended once the next message is answered.
    co_await shards->submit_to(0, [](Shard&) {});
  }));
  const LatencyHistogram& delay = shards->shard(0).executor().metrics().loop_delay;
  EXPECT_GE(count_above(delay, 100ms), 1U);
  EXPECT_GE(delay.sum(), 100'000'000U);
}

TEST(FramesAlive, AreAMetricThatReturnsToZero) {
  Loop loop;
  const Gauge& frames = loop.executor().metrics().frames_alive;
  constexpr int kTasks = 100;
  Event measured;
  const auto child = [&]() -> Task<void> { EXPECT_TRUE(co_await measured.wait()); };
  for (int count = 0; count < kTasks; ++count) {
    loop.spawn(calling(child));  // two frames each
  }
  std::int64_t most = 0;
  loop.spawn(calling([&]() -> Task<void> {
    co_await yield();
    co_await yield();
    co_await yield();
    co_await yield();
    most = frames.value();
    measured.set();
  }));
  loop.run();
  EXPECT_GE(most, 2 * kTasks);
  EXPECT_EQ(frames.value(), 0);
}

TEST(FramesAlive, AreToldAsTheyAreWhileAShardSleeps) {
  const auto shards = start(1);
  const Gauge& frames = shards->shard(0).executor().metrics().frames_alive;
  const Gauge& tasks = shards->shard(0).executor().metrics().tasks_alive;
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run(calling([&]() -> Task<void> {
    co_await shards->submit_to(0, [](Shard& shard) {
      for (int count = 0; count < 10; ++count) {
        shard.executor().spawn(calling([]() -> Task<void> { co_await yield(); }));
      }
    });
    while (co_await shards->submit_to(0, [&](Shard&) { return tasks.value(); }) > 0) {
    }
    co_await shards->submit_to(0, [](Shard&) {});
    EXPECT_EQ(frames.value(), 0);
  }));
}

}  // namespace
}  // namespace sluice::runtime_test
