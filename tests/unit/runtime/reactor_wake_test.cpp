// Waking a reactor from other threads.
#include <malloc.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/reactor.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(ReactorWake, EndsAWaitFromAnotherThread) {
  Reactor reactor(make_ring());
  ASSERT_TRUE(reactor.enable_wake());
  EXPECT_EQ(reactor.in_flight(), 0U) << "the reactor's own operation does not count";
  std::thread other([&reactor] { reactor.wake(); });
  reactor.wait(kForever);
  other.join();
  EXPECT_EQ(reactor.metrics().wakeups.value(), 1U);
}

TEST(ReactorWake, IsRememberedUntilTheNextWait) {
  Reactor reactor(make_ring());
  ASSERT_TRUE(reactor.enable_wake());
  reactor.wake();
  reactor.wake();
  reactor.wake();
  reactor.wait(kForever);
  EXPECT_EQ(reactor.metrics().wakeups.value(), 1U);
  EXPECT_EQ(reactor.wait(1ms), 0U);
  reactor.wake();
  reactor.wait(kForever);
  EXPECT_EQ(reactor.metrics().wakeups.value(), 2U);
}

TEST(ReactorWake, HasNoEffectBeforeItIsEnabledNorAfterItIsDisabled) {
  Reactor reactor(make_ring());
  reactor.wake();
  EXPECT_EQ(reactor.wait(1ms), 0U);
  ASSERT_TRUE(reactor.enable_wake());
  reactor.disable_wake();
  reactor.wake();
  EXPECT_EQ(reactor.wait(1ms), 0U);
  EXPECT_EQ(reactor.metrics().wakeups.value(), 0U);
  EXPECT_EQ(reactor.in_flight(), 0U);
}

TEST(ReactorWake, CanBeEnabledTwiceAndAgain) {
  const auto before = open_descriptors();
  {
    Reactor reactor(make_ring());
    for (int round = 0; round < 10; ++round) {
      ASSERT_TRUE(reactor.enable_wake());
      ASSERT_TRUE(reactor.enable_wake());
      reactor.wake();
      reactor.wait(kForever);
      reactor.disable_wake();
      reactor.disable_wake();
    }
    EXPECT_EQ(reactor.metrics().wakeups.value(), 10U);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ReactorWake, ThatCouldNotBeEnabledIsNotEnabled) {
  Reactor reactor(make_ring(), {.max_operations = 1});
  RecordingWaker waker;
  ASSERT_TRUE(reactor.register_operation(waker, {}));
  EXPECT_EQ(reactor.enable_wake().error(), std::errc::no_buffer_space);
  EXPECT_EQ(reactor.enable_wake().error(), std::errc::no_buffer_space) << "still no slot for it";
  reactor.wait(kForever);
  ASSERT_TRUE(reactor.enable_wake());
  reactor.wake();
  EXPECT_EQ(reactor.wait(1s), 1U);
}

// As many operations wait in the kernel as completions have room for, and more are parked.
class ReactorUnderPressure : public ::testing::Test {
 protected:
  void fill() {
    const std::size_t count = reactor_.ring().completion_capacity() + kParked;
    for (std::size_t index = 0; index < count; ++index) {
      add();
      reactor_.wait(Duration::zero());
    }
    ASSERT_EQ(reactor_.metrics().parked.value(), static_cast<std::int64_t>(kParked))
        << "the operation for waking takes no place from them";
  }
  OperationId add() {
    const auto id = reactor_.register_operation(
        wakers_.emplace_back(), ReceiveRequest(silent_.near.fd(), buffer_).prepare());
    ids_.push_back(id.value());
    return ids_.back();
  }
  void drain() {
    for (const OperationId id : ids_) {
      reactor_.cancel(id);
    }
    while (reactor_.in_flight() > 0) {
      reactor_.wait(kForever);
    }
  }

  static constexpr std::size_t kParked = 20;
  Pair silent_ = socket_pair();
  std::array<std::byte, 16> buffer_{};
  std::deque<RecordingWaker> wakers_;
  std::vector<OperationId> ids_;
  Reactor reactor_{make_ring()};
};

TEST_F(ReactorUnderPressure, CanBeWokenAsOftenAsEver) {
  ASSERT_TRUE(reactor_.enable_wake());
  fill();
  for (std::uint64_t round = 1; round <= 4; ++round) {
    reactor_.wake();
    for (int turn = 0; turn < 20 && reactor_.metrics().wakeups.value() < round; ++turn) {
      reactor_.wait(10ms);
    }
    EXPECT_EQ(reactor_.metrics().wakeups.value(), round);
  }
  drain();
}

// What is cancelled while it is parked behind others must not be kept for as long as they wait, or
// clients that come and give up make the queue grow without end.
TEST_F(ReactorUnderPressure, WhatIsCancelledWhileItIsParkedTakesNoMemory) {
  ASSERT_TRUE(reactor_.enable_wake());
  fill();
  const auto come_and_give_up = [this] {
    reactor_.cancel(add());
    reactor_.wait(Duration::zero());
    ids_.pop_back();
    wakers_.pop_back();
  };
  for (int warm_up = 0; warm_up < 1000; ++warm_up) {
    come_and_give_up();
  }
  const auto before = ::mallinfo2().uordblks;
  for (int count = 0; count < 20'000; ++count) {
    come_and_give_up();
  }
  // 72 bytes each would be 1.4 MB. Sanitizers replace the allocator, which then tells nothing.
  EXPECT_LT(::mallinfo2().uordblks, before + 200'000);
  drain();
}

TEST(ReactorWake, ManyThreadsWakingAtOnceHarmNothing) {
  Reactor reactor(make_ring());
  ASSERT_TRUE(reactor.enable_wake());
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int count = 0; count < kEach; ++count) {
        ++woken;
        reactor.wake();
      }
    });
  }
  std::uint64_t turns = 0;
  // At least once: all of them may be done before this thread has its turn.
  do {
    reactor.wait(kForever);  // the last count is followed by a wake
    ++turns;
  } while (woken < kThreads * kEach);
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GE(turns, 1U);
  EXPECT_LE(reactor.metrics().wakeups.value(), static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_GE(reactor.metrics().wakeups.value(), 1U);
}

}  // namespace
}  // namespace sluice::runtime_test
