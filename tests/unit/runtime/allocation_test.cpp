// In the steady state the runtime takes nothing from the heap: no operation, no await of a child,
// no spawn, no timer, no message does. Each thing is done often enough to warm up, and then again
// while operator new is counted.
#include <fcntl.h>

#include <array>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/file.hpp>
#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "counting_allocator.hpp"
#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 1000;

// How many allocations a thousand rounds make, after a thousand to warm up.
template <class MakeRound>
Task<std::uint64_t> count_rounds(MakeRound make_round) {
  for (int round = 0; round < kRounds; ++round) {
    co_await make_round();
  }
  const std::uint64_t before = allocations_made();
  for (int round = 0; round < kRounds; ++round) {
    co_await make_round();
  }
  co_return allocations_made() - before;
}
template <class MakeRound>
std::uint64_t allocations_of(MakeRound make_round) {
  Loop loop;
  EXPECT_TRUE(loop.executor().enable_messages());
  return loop.run(count_rounds(std::move(make_round)));
}

TEST(Allocations, TheCounterCounts) {
  EXPECT_EQ(allocations_of([]() -> Task<void> {
              const std::vector<int> numbers(100, 7);
              EXPECT_EQ(numbers.back(), 7);
              co_await yield();
            }),
            static_cast<std::uint64_t>(kRounds));
}

TEST(Allocations, NoneForAnOperation) {
  EXPECT_EQ(allocations_of([]() -> Task<void> { EXPECT_TRUE(co_await Operation(NopRequest{})); }),
            0U);
}

TEST(Allocations, NoneForAReadOrAWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file", "some bytes");
  const File file(UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
  EXPECT_EQ(allocations_of([&file]() -> Task<void> {
              std::array<std::byte, 4> buffer;
              EXPECT_EQ(co_await file.read_at(buffer, 0), 4U);
              EXPECT_EQ(co_await file.write_at(buffer, 4), 4U);
              EXPECT_EQ(co_await file.read_exact_at(buffer, 0), 4U);
            }),
            0U);
}

TEST(Allocations, NoneForASendOrAReceive) {
  const Pair pair = socket_pair();
  EXPECT_EQ(allocations_of([&pair]() -> Task<void> {
              std::array<std::byte, 4> buffer{};
              EXPECT_TRUE(co_await pair.near.send_all(buffer));
              EXPECT_EQ(co_await pair.far.receive(buffer), 4U);
              EXPECT_TRUE(co_await pair.near.wait_writable());
            }),
            0U);
}

TEST(Allocations, NoneForACancelledReceive) {
  const Pair silent = socket_pair();
  EXPECT_EQ(allocations_of([&silent]() -> Task<void> {
              CancelScope scope;
              TaskScope canceller(co_await current_context());
              canceller.spawn(calling([&scope]() -> Task<void> {
                co_await yield();
                scope.cancel();
              }));
              std::array<std::byte, 4> buffer;
              EXPECT_FALSE(co_await silent.near.receive(buffer).within(scope));
              co_await canceller.join();
            }),
            0U);
}

TEST(Allocations, NoneForAnOperationThatHasToPark) {
  // Three times as many as the submission queue holds, again and again; the pool keeps the frames
  // of as many.
  const auto burst = []() -> Task<void> {
    TaskScope scope(co_await current_context());
    for (int count = 0; count < 200; ++count) {
      scope.spawn(calling([]() -> Task<void> { EXPECT_TRUE(co_await Operation(NopRequest{})); }));
    }
    co_await scope.join();
  };
  Loop loop(kSmallRing, {}, {.resumes_per_turn = 1000});
  EXPECT_EQ(loop.run(count_rounds(burst)), 0U);
  EXPECT_GT(loop.reactor().metrics().parked_total.value(), 100'000U);
}

TEST(Allocations, NoneForATimer) {
  EXPECT_EQ(allocations_of([]() -> Task<void> {
              EXPECT_TRUE(co_await sleep_for(0ns));
              Deadline deadline(co_await current_context());
              deadline.set(Clock::now() + 1h);
              EXPECT_TRUE(co_await Operation(NopRequest{}).within(deadline.scope()));
              EXPECT_TRUE(co_await with_deadline(Clock::now() + 1h, Operation(NopRequest{})));
            }),
            0U);
}

Task<int> child_that_is_ready() { co_return 1; }
Task<int> child_that_waits() {
  co_await yield();
  co_return co_await child_that_is_ready();
}

TEST(Allocations, NoneForAwaitingAChildTask) {
  EXPECT_EQ(allocations_of([]() -> Task<void> {
              EXPECT_EQ(co_await child_that_is_ready(), 1);
              EXPECT_EQ(co_await child_that_waits(), 1);
            }),
            0U);
}

TEST(Allocations, NoneForSpawningAndJoining) {
  EXPECT_EQ(allocations_of([]() -> Task<void> {
              TaskScope scope(co_await current_context());
              for (int count = 0; count < 10; ++count) {
                scope.spawn(calling([]() -> Task<void> { co_await yield(); }));
              }
              co_await scope.join();
              static_cast<void>(co_await when_all(child_that_waits(), child_that_is_ready()));
              static_cast<void>(co_await when_any(child_that_waits(), child_that_is_ready()));
            }),
            0U);
}

TEST(Allocations, NoneForAMessageToAnotherShard) {
  const auto shards = start(2);
  EXPECT_EQ(allocations_of([&shards]() -> Task<void> {
              const unsigned index =
                  co_await shards->submit_to(1, [](Shard& shard) { return shard.index(); });
              EXPECT_EQ(index, 1U);
            }),
            0U);
}

TEST(Allocations, OneForWorkThatIsPostedToAShard) {
  const auto shards = start(1);
  EXPECT_EQ(allocations_of([&shards]() -> Task<void> {
              shards->post(0, [](Shard&) {});
              co_await shards->submit_to(0, [](Shard&) {});
            }),
            static_cast<std::uint64_t>(kRounds));
}

}  // namespace
}  // namespace sluice::runtime_test
