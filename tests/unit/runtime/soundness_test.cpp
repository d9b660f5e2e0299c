// What lib/docs/soundness.md promises and no other test shows.
#include <sys/socket.h>

#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

TEST(Soundness, ACompletionResumesItsOwnTaskAndNoOther) {
  constexpr std::size_t kWaiting = 100;
  Loop loop;
  std::deque<Pair> pairs;
  std::vector<int> received(kWaiting);
  for (std::size_t index = 0; index < kWaiting; ++index) {
    pairs.push_back(socket_pair());
    loop.spawn(calling([&, index]() -> Task<void> {
      std::array<std::byte, 4> buffer;
      while (co_await pairs[index].far.receive(buffer)) {
        ++received[index];
      }
    }));
  }
  loop.spawn(calling([&]() -> Task<void> {
    for (int turn = 0; turn < 10; ++turn) {
      co_await yield();  // all of them wait
    }
    // From here on this task is resumed once a turn, and the one that receives once in all.
    const ExecutorMetrics& metrics = loop.executor().metrics();
    const std::uint64_t resumes = metrics.resumes.value();
    const std::uint64_t turns = metrics.turns.value();
    put(pairs[42].near.fd(), "x");
    while (received[42] == 0) {
      co_await yield();
    }
    co_await yield();  // the resumes of a turn are counted at its end
    EXPECT_EQ(metrics.resumes.value() - resumes, metrics.turns.value() - turns + 1);
    std::vector<int> expected(kWaiting);
    expected[42] = 1;
    EXPECT_EQ(received, expected);
    loop.executor().stop();
  }));
  loop.run();
  EXPECT_EQ(loop.reactor().metrics().completed.value(), kWaiting + 1U);
}

TEST(Soundness, ManyOperationsCostOneEnter) {
  Reactor reactor(make_ring());
  std::deque<RecordingWaker> wakers;
  constexpr std::size_t kCount = 50;
  for (std::size_t count = 0; count < kCount; ++count) {
    ASSERT_TRUE(reactor.register_operation(wakers.emplace_back(), {}));
  }
  EXPECT_EQ(reactor.metrics().enters.value(), 0U);
  EXPECT_EQ(reactor.wait(kForever), kCount);
  EXPECT_EQ(reactor.metrics().enters.value(), 1U);
  EXPECT_EQ(reactor.metrics().submitted.value(), kCount);
}

TEST(Soundness, TwoReactorsKnowNothingOfEachOther) {
  Reactor first(make_ring());
  Reactor second(make_ring());
  RecordingWaker of_first;
  RecordingWaker of_second;
  const auto id = first.register_operation(of_first, {});
  ASSERT_TRUE(id);
  ASSERT_TRUE(second.register_operation(of_second, {}));
  EXPECT_EQ(second.wait(kForever), 1U);
  EXPECT_TRUE(of_second.is_done());
  EXPECT_TRUE(of_first.completions.empty());
  EXPECT_EQ(first.in_flight(), 1U);
  EXPECT_EQ(first.wait(kForever), 1U);
  EXPECT_TRUE(of_first.is_done());
}

TEST(Soundness, ALengthBeyondTheKernelsLimitIsCutAndNotWrappedAround) {
  std::byte byte{};
  for (const std::size_t length : {std::size_t{0x7ffff001}, std::size_t{1} << 31,
                                   std::size_t{1} << 32, (std::size_t{1} << 40) + 1}) {
    const std::span<std::byte> buffer(&byte, length);  // never touched
    EXPECT_EQ(ReadRequest(0, buffer, 0).prepare().length, kMaxTransferBytes);
    EXPECT_EQ(WriteRequest(0, buffer, 0).prepare().length, kMaxTransferBytes);
    EXPECT_EQ(ReceiveRequest(0, buffer).prepare().length, kMaxTransferBytes);
    EXPECT_EQ(SendRequest(0, buffer, 0).prepare().length, kMaxTransferBytes);
  }
}

TEST(Soundness, NothingIsPrintedWhateverHappens) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  {
    Loop loop(kSmallRing, {.max_operations = 100}, {});
    const Pair pair = socket_pair();
    for (int count = 0; count < 200; ++count) {  // more than there are places for
      loop.spawn(calling([&pair]() -> Task<void> {
        std::array<std::byte, 4> buffer;
        static_cast<void>(co_await pair.near.receive(buffer));
      }));
    }
    loop.spawn(calling([&]() -> Task<void> {
      std::array<std::byte, 4> buffer;
      EXPECT_FALSE(co_await Operation(ReadRequest(-1, buffer, 0)));
      for (int turn = 0; turn < 10; ++turn) {
        co_await yield();
      }
      loop.executor().stop();
    }));
    loop.run();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sluice::runtime_test
