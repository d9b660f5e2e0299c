// The reactor on the real kernel.
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/reactor.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

class KernelReactor : public ::testing::Test {
 protected:
  OperationId add(Waker& waker, const Submission& entry) {
    const auto id = reactor_.register_operation(waker, entry);
    EXPECT_TRUE(id) << id.error().message();
    return id.value_or(OperationId{});
  }
  // A receive from a socket nobody sends to: ends when it is cancelled.
  OperationId add_receive(Waker& waker) {
    return add(waker, ReceiveRequest(silent_.near.fd(), buffer_).prepare());
  }
  void drain() {
    while (reactor_.in_flight() > 0) {
      reactor_.wait(kForever);
    }
  }

  Pair silent_ = socket_pair();
  std::array<std::byte, 16> buffer_{};
  std::deque<RecordingWaker> wakers_;
  Reactor reactor_{make_ring()};
  const ReactorMetrics& metrics_ = reactor_.metrics();
};

TEST_F(KernelReactor, WakesAWaiterOnceWithItsResult) {
  RecordingWaker waker;
  add(waker, {});
  EXPECT_EQ(reactor_.in_flight(), 1U);
  EXPECT_TRUE(waker.completions.empty());
  EXPECT_EQ(reactor_.wait(kForever), 1U);
  ASSERT_EQ(waker.completions.size(), 1U);
  EXPECT_TRUE(waker.is_done());
  EXPECT_EQ(waker.result(), 0);
  EXPECT_EQ(reactor_.in_flight(), 0U);
}

TEST_F(KernelReactor, WaitReturnsWhenItsTimeIsUp) {
  EXPECT_EQ(reactor_.wait(1ms), 0U);
  EXPECT_EQ(reactor_.wait(Duration::zero()), 0U);
}

TEST_F(KernelReactor, OperationsBeyondTheQueueParkAndCompleteInOrder) {
  constexpr int kCount = 1000;
  std::vector<int> order;
  for (int number = 0; number < kCount; ++number) {
    add(wakers_.emplace_back([&order, number](Completion) { order.push_back(number); }), {});
  }
  EXPECT_EQ(reactor_.in_flight(), static_cast<std::size_t>(kCount));
  const auto parked = metrics_.parked.value();
  EXPECT_GE(parked, kCount - 64);
  EXPECT_LT(parked, kCount);
  EXPECT_EQ(metrics_.parked_total.value(), static_cast<std::uint64_t>(parked));
  drain();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kCount));
  for (int number = 0; number < kCount; ++number) {
    ASSERT_EQ(order[static_cast<std::size_t>(number)], number);
  }
  EXPECT_EQ(metrics_.parked.value(), 0);
  EXPECT_EQ(metrics_.submitted.value(), static_cast<std::uint64_t>(kCount));
  EXPECT_GT(metrics_.submission_queue_full.value(), 0U);
  EXPECT_EQ(metrics_.completion_overflows.value(), 0U);
}

TEST_F(KernelReactor, AnOperationThatIsRegisteredLaterDoesNotOvertakeParkedOnes) {
  std::vector<int> order;
  for (int number = 0; number < 100; ++number) {
    add(wakers_.emplace_back([&order, number](Completion) { order.push_back(number); }), {});
  }
  reactor_.wait(Duration::zero());
  add(wakers_.emplace_back([&order](Completion) { order.push_back(100); }), {});
  drain();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 101U);
}

TEST_F(KernelReactor, NeverHasMoreInTheKernelThanCompletionsHaveRoom) {
  const std::size_t room = reactor_.ring().completion_capacity();
  std::vector<OperationId> ids;
  for (std::size_t count = 0; count < room + 40; ++count) {
    ids.push_back(add_receive(wakers_.emplace_back()));
    reactor_.wait(Duration::zero());
  }
  EXPECT_EQ(metrics_.submitted.value(), room);
  EXPECT_EQ(metrics_.parked.value(), 40);
  // As the first end, the parked ones take their places.
  for (std::size_t index = 0; index < 10; ++index) {
    reactor_.cancel(ids[index]);
  }
  while (!wakers_[9].is_done()) {
    reactor_.wait(kForever);
  }
  reactor_.wait(Duration::zero());
  EXPECT_EQ(metrics_.parked.value(), 30);
  for (const OperationId id : ids) {
    reactor_.cancel(id);
  }
  drain();
  for (const RecordingWaker& waker : wakers_) {
    ASSERT_EQ(waker.completions.size(), 1U);
    ASSERT_EQ(waker.result(), -ECANCELED);
  }
}

TEST_F(KernelReactor, CancellingEndsAnOperationThatWaits) {
  RecordingWaker waker;
  const OperationId id = add_receive(waker);
  reactor_.wait(Duration::zero());
  EXPECT_TRUE(waker.completions.empty());
  reactor_.cancel(id);
  reactor_.cancel(id);
  drain();
  ASSERT_EQ(waker.completions.size(), 1U);
  EXPECT_EQ(waker.result(), -ECANCELED);
  EXPECT_EQ(metrics_.cancels_requested.value(), 1U);
  EXPECT_EQ(metrics_.cancels_submitted.value(), 1U);
}

TEST_F(KernelReactor, CancellingInTheTurnOfRegisteringStillCompletesOnce) {
  RecordingWaker waker;
  reactor_.cancel(add_receive(waker));
  drain();
  ASSERT_EQ(waker.completions.size(), 1U);
  EXPECT_EQ(waker.result(), -ECANCELED);
}

TEST_F(KernelReactor, CancellingAStaleOrForeignIdDoesNothing) {
  RecordingWaker first;
  const OperationId stale = add(first, {});
  drain();
  RecordingWaker second;
  const OperationId fresh = add_receive(second);
  EXPECT_EQ(fresh.slot, stale.slot);
  reactor_.cancel(stale);
  reactor_.cancel({});
  reactor_.cancel({12345, 1});
  reactor_.wait(1ms);
  EXPECT_TRUE(second.completions.empty());
  EXPECT_EQ(metrics_.cancels_requested.value(), 0U);
  reactor_.cancel(fresh);
  drain();
}

TEST_F(KernelReactor, AParkedOperationIsCancelledWithoutTheKernel) {
  const std::size_t room = reactor_.ring().completion_capacity();
  std::vector<OperationId> ids;
  for (std::size_t count = 0; count < room; ++count) {
    ids.push_back(add_receive(wakers_.emplace_back()));
    reactor_.wait(Duration::zero());
  }
  RecordingWaker parked;
  const OperationId id = add_receive(parked);
  reactor_.cancel(id);
  EXPECT_TRUE(parked.completions.empty()) << "wakers are told from wait() only";
  reactor_.wait(kForever);  // has something to tell, so does not sleep
  ASSERT_EQ(parked.completions.size(), 1U);
  EXPECT_EQ(parked.result(), -ECANCELED);
  EXPECT_EQ(metrics_.parked.value(), 0);
  EXPECT_EQ(metrics_.cancels_submitted.value(), 0U);
  for (const OperationId other : ids) {
    reactor_.cancel(other);
  }
  drain();
}

TEST_F(KernelReactor, ThousandsOfCancelsAtOnceAllArrive) {
  Reactor big(make_ring({.submission_entries = 64, .completion_entries = 4096}));
  std::vector<OperationId> ids;
  for (int count = 0; count < 3000; ++count) {
    RecordingWaker& waker = wakers_.emplace_back();
    ids.push_back(
        big.register_operation(waker, ReceiveRequest(silent_.near.fd(), buffer_).prepare())
            .value());
  }
  while (big.metrics().submitted.value() < 3000) {
    big.wait(Duration::zero());
  }
  for (const OperationId id : ids) {
    big.cancel(id);
  }
  while (big.in_flight() > 0) {
    big.wait(kForever);
  }
  for (const RecordingWaker& waker : wakers_) {
    ASSERT_EQ(waker.completions.size(), 1U);
    ASSERT_EQ(waker.result(), -ECANCELED);
  }
  EXPECT_EQ(big.metrics().stale_completions.value(), 0U);
}

TEST_F(KernelReactor, OneOperationTooManyIsRefusedUntilAnotherEnds) {
  Reactor small(make_ring(), {.max_operations = 3});
  for (int count = 0; count < 3; ++count) {
    ASSERT_TRUE(small.register_operation(wakers_.emplace_back(), {}));
  }
  RecordingWaker refused;
  EXPECT_EQ(small.register_operation(refused, {}).error(), std::errc::no_buffer_space);
  while (small.in_flight() > 0) {
    small.wait(kForever);
  }
  EXPECT_TRUE(refused.completions.empty());
  EXPECT_TRUE(small.register_operation(refused, {}));
  small.wait(kForever);
  EXPECT_TRUE(refused.is_done());
}

TEST_F(KernelReactor, AWakerMayRegisterAndCancel) {
  RecordingWaker victim;
  const OperationId victim_id = add_receive(victim);
  int rounds = 0;
  std::function<void(Completion)> again = [&](Completion) {
    if (++rounds < 300) {
      add(wakers_.emplace_back(again), {});
    } else {
      reactor_.cancel(victim_id);
    }
  };
  add(wakers_.emplace_back(again), {});
  drain();
  EXPECT_EQ(rounds, 300);
  EXPECT_EQ(victim.result(), -ECANCELED);
}

TEST_F(KernelReactor, AWakerToldOfAParkedCancelMayCancelFurtherParkedOnes) {
  const std::size_t room = reactor_.ring().completion_capacity();
  std::vector<OperationId> ids;
  for (std::size_t count = 0; count < room + 20; ++count) {
    const std::size_t number = ids.size();
    ids.push_back(add_receive(wakers_.emplace_back([&ids, number, this](Completion) {
      reactor_.cancel(number + 1 < ids.size() ? ids[number + 1] : ids[0]);
    })));
    reactor_.wait(Duration::zero());
  }
  reactor_.cancel(ids[room + 5]);
  drain();
  for (const RecordingWaker& waker : wakers_) {
    ASSERT_EQ(waker.completions.size(), 1U);
    ASSERT_EQ(waker.result(), -ECANCELED);
  }
}

TEST_F(KernelReactor, ListsWhatIsInFlight) {
  const OperationId receive = add_receive(wakers_.emplace_back());
  const OperationId poll =
      add(wakers_.emplace_back(),
          {.opcode = Opcode::poll_add, .fd = silent_.near.fd(), .operation_flags = 1 /* POLLIN */});
  reactor_.wait(1ms);
  std::map<std::uint32_t, OperationKind> seen;
  reactor_.for_each_in_flight([&](OperationId id, OperationKind kind, Duration age) {
    seen[id.slot] = kind;
    EXPECT_GE(age, 1ms);
  });
  EXPECT_EQ(seen, (std::map<std::uint32_t, OperationKind>{{receive.slot, OperationKind::receive},
                                                          {poll.slot, OperationKind::poll}}));
  reactor_.cancel(receive);
  reactor_.cancel(poll);
  drain();
  reactor_.for_each_in_flight([](OperationId, OperationKind, Duration) { ADD_FAILURE(); });
}

TEST_F(KernelReactor, CountsByKindWhatCompletedAndWhatFailed) {
  std::array<std::byte, 4> bytes{};
  add(wakers_.emplace_back(), ReadRequest(-1, bytes, 0).prepare());
  add(wakers_.emplace_back(), ReadRequest(-1, bytes, 0).prepare());
  add(wakers_.emplace_back(), {});
  const OperationId receive = add_receive(wakers_.emplace_back());
  reactor_.wait(Duration::zero());
  reactor_.cancel(receive);
  drain();
  const auto index = [](OperationKind kind) { return static_cast<std::size_t>(kind); };
  EXPECT_EQ(metrics_.failed[index(OperationKind::read)].value(), 2U);
  EXPECT_EQ(metrics_.failed[index(OperationKind::receive)].value(), 0U) << "cancelled, not failed";
  EXPECT_EQ(metrics_.latency[index(OperationKind::read)].count(), 2U);
  EXPECT_EQ(metrics_.latency[index(OperationKind::receive)].count(), 1U);
  EXPECT_EQ(metrics_.latency[index(OperationKind::other)].count(), 1U);
  EXPECT_EQ(metrics_.registered.value(), 4U);
  EXPECT_EQ(metrics_.completed.value(), 4U);
  EXPECT_EQ(metrics_.in_flight.value(), 0);
  EXPECT_EQ(metrics_.submitted.value(), 5U) << "four operations and a cancel";
}

TEST(OperationKinds, EachHasANameOfItsOwn) {
  std::map<std::string, int> names;
  for (std::size_t kind = 0; kind < kOperationKindCount; ++kind) {
    ++names[name_of(static_cast<OperationKind>(kind))];
  }
  EXPECT_EQ(names.size(), kOperationKindCount);
}

TEST(ReactorOnTheKernelDeathTest, EndingWithAnOperationInFlightAborts) {
  EXPECT_DEATH(
      {
        RecordingWaker waker;
        Reactor reactor(make_ring());
        static_cast<void>(reactor.register_operation(waker, {}));
      },
      "broken rule: a Reactor is destroyed only when nothing is in flight");
}

}  // namespace
}  // namespace sluice::runtime_test
