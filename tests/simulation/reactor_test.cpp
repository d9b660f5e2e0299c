// The reactor: operations find their waiters, wait for room in order, and outlast a kernel in
// trouble.
#include <sluice/reactor.hpp>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

[[nodiscard]] std::vector<std::uint64_t> pending_ids(SimulatedReactor& simulated) {
  std::vector<std::uint64_t> ids;
  for (const auto& operation : simulated.ring().pending()) {
    ids.push_back(operation.user_data);
  }
  return ids;
}

[[nodiscard]] std::vector<std::uint64_t> part(const std::vector<OperationId>& ids,
                                              std::size_t first, std::size_t count) {
  std::vector<std::uint64_t> user_data;
  for (std::size_t index = first; index < first + count; ++index) {
    user_data.push_back(ids[index].to_user_data());
  }
  return user_data;
}

[[nodiscard]] std::vector<OperationId> register_nops(SimulatedReactor& simulated,
                                                     std::deque<RecordingWaker>& wakers,
                                                     std::size_t count,
                                                     RecordingWaker::Order* order = nullptr) {
  std::vector<OperationId> ids;
  for (std::size_t index = 0; index < count; ++index) {
    ids.push_back(
        simulated.reactor().register_operation(wakers.emplace_back(order), nop()).value());
  }
  return ids;
}

void complete_all(SimulatedReactor& simulated) {
  while (simulated.reactor().in_flight() > 0) {
    for (const std::uint64_t id : pending_ids(simulated)) {
      simulated.ring().complete(id, 0);
    }
    simulated.turn();
  }
}

TEST(Reactor, CompletionsInAnyOrderWakeTheirOwnWaiters) {
  SimulatedReactor simulated({.is_scripted = true});
  RecordingWaker::Order order;
  std::deque<RecordingWaker> wakers;
  const auto ids = register_nops(simulated, wakers, 5, &order);
  simulated.turn();
  const std::vector<std::size_t> wanted = {3, 0, 4, 1, 2};
  RecordingWaker::Order wanted_order;
  for (const std::size_t index : wanted) {
    simulated.ring().complete(ids[index].to_user_data(), static_cast<std::int32_t>(100 + index));
    wanted_order.push_back(&wakers[index]);
  }
  EXPECT_EQ(simulated.turn(), 5U);
  EXPECT_EQ(order, wanted_order);
  for (std::size_t index = 0; index < wakers.size(); ++index) {
    EXPECT_TRUE(wakers[index].got(static_cast<std::int32_t>(100 + index))) << index;
  }
  EXPECT_EQ(simulated.reactor().in_flight(), 0U);
}

TEST(Reactor, NothingReachesTheKernelBeforeTheTurnsOneEnter) {
  SimulatedReactor simulated;
  std::deque<RecordingWaker> wakers;
  static_cast<void>(register_nops(simulated, wakers, 10));
  EXPECT_EQ(simulated.ring().enters(), 0U);
  EXPECT_EQ(simulated.ring().operations_taken(), 0U);
  EXPECT_EQ(simulated.reactor().wait(kForever), 10U);
  EXPECT_EQ(simulated.ring().enters(), 1U);
  EXPECT_EQ(simulated.metrics().submitted.value(), 10U);
  EXPECT_EQ(simulated.metrics().completed.value(), 10U);
}

TEST(Reactor, StaleCompletionIsCountedAndNotDelivered) {
  SimulatedReactor simulated({.is_scripted = true});
  RecordingWaker first;
  RecordingWaker second;
  const OperationId id = simulated.reactor().register_operation(first, nop()).value();
  simulated.turn();
  simulated.ring().complete(id.to_user_data(), 0);
  simulated.turn();
  // The slot has a new owner; the old id must not lead to it.
  const OperationId next = simulated.reactor().register_operation(second, nop()).value();
  ASSERT_EQ(next.slot, id.slot);
  simulated.ring().post_stray({id.to_user_data(), 5, 0});
  simulated.ring().post_stray({std::uint64_t{7} << 32 | 999'999, 5, 0});  // no such slot
  simulated.turn();
  EXPECT_EQ(simulated.metrics().stale_completions.value(), 2U);
  EXPECT_EQ(first.completions.size(), 1U);
  EXPECT_TRUE(second.completions.empty());
  complete_all(simulated);
}

TEST(Reactor, ParkedOperationsAreAdmittedInOrderWhenTheSubmissionQueueIsFull) {
  SimulatedReactor simulated({.submission_entries = 8, .is_scripted = true});
  std::deque<RecordingWaker> wakers;
  const auto ids = register_nops(simulated, wakers, 20);  // seven at a time: a place is reserved
  EXPECT_EQ(simulated.metrics().parked.value(), 13);
  simulated.turn();
  EXPECT_EQ(pending_ids(simulated), part(ids, 0, 7));
  simulated.turn();
  EXPECT_EQ(pending_ids(simulated), part(ids, 0, 14));
  EXPECT_EQ(simulated.metrics().parked.value(), 6);
  simulated.turn();
  EXPECT_EQ(pending_ids(simulated), part(ids, 0, 20));
  EXPECT_EQ(simulated.metrics().parked.value(), 0);
  EXPECT_EQ(simulated.metrics().parked_total.value(), 13U);
  EXPECT_GT(simulated.metrics().submission_queue_full.value(), 0U);
  complete_all(simulated);
}

TEST(Reactor, LateOperationDoesNotOvertakeParkedOnes) {
  SimulatedReactor simulated({.submission_entries = 8, .is_scripted = true});
  std::deque<RecordingWaker> wakers;
  auto ids = register_nops(simulated, wakers, 9);
  simulated.turn();  // two are parked still, and the queue is empty again
  const auto late = register_nops(simulated, wakers, 1);
  ids.insert(ids.end(), late.begin(), late.end());
  simulated.turn();
  simulated.turn();
  EXPECT_EQ(pending_ids(simulated), part(ids, 0, 10));
  complete_all(simulated);
}

TEST(Reactor, ParkedOperationsAreAdmittedInOrderWhenCompletionRoomIsUsedUp) {
  SimulatedReactor simulated(
      {.submission_entries = 16, .completion_entries = 4, .is_scripted = true});
  std::deque<RecordingWaker> wakers;
  const auto ids = register_nops(simulated, wakers, 10);
  simulated.turn();
  EXPECT_EQ(pending_ids(simulated), part(ids, 0, 4));
  simulated.ring().complete(ids[1].to_user_data(), 0);
  simulated.ring().complete(ids[2].to_user_data(), 0);
  simulated.turn();  // makes room
  simulated.turn();  // uses it
  EXPECT_EQ(pending_ids(simulated), (std::vector{ids[0].to_user_data(), ids[3].to_user_data(),
                                                 ids[4].to_user_data(), ids[5].to_user_data()}));
  complete_all(simulated);
  for (const RecordingWaker& waker : wakers) {
    EXPECT_TRUE(waker.got(0));
  }
  EXPECT_EQ(simulated.metrics().completion_overflows.value(), 0U);
}

TEST(Reactor, ManyMoreOperationsThanPlacesAllComplete) {
  SimulatedReactor simulated({.submission_entries = 8, .completion_entries = 16});
  std::deque<RecordingWaker> wakers;
  static_cast<void>(register_nops(simulated, wakers, 5000));
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  for (const RecordingWaker& waker : wakers) {
    EXPECT_TRUE(waker.got(0));
  }
  EXPECT_LE(simulated.ring().enters(), 5000U / 7 + 2);
  EXPECT_EQ(simulated.metrics().in_flight.value(), 0);
}

TEST(Reactor, DoesNotSleepOnOperationsTheKernelCouldBeGiven) {
  SimulatedReactor simulated({.submission_entries = 8, .held = 1});
  std::deque<RecordingWaker> wakers;
  const auto ids = register_nops(simulated, wakers, 20);
  const TimePoint before = simulated.ring().now();
  simulated.reactor().wait(1h);
  simulated.reactor().wait(1h);
  EXPECT_EQ(simulated.ring().now(), before);
  simulated.reactor().wait(1h);  // the last six are in the kernel now
  EXPECT_EQ(simulated.ring().now() - before, 1h);
  EXPECT_EQ(simulated.ring().pending().size(), 20U);
  for (const OperationId id : ids) {
    simulated.reactor().cancel(id);
  }
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(1h);
  }
  EXPECT_EQ(simulated.ring().now() - before, 1h);
}

TEST(Reactor, OneTurnReapsAllThatHasCompleted) {
  SimulatedReactor simulated({.submission_entries = 2048, .completion_entries = 2048});
  std::deque<RecordingWaker> wakers;
  static_cast<void>(register_nops(simulated, wakers, 1500));
  EXPECT_EQ(simulated.reactor().wait(kForever), 1500U);
  EXPECT_EQ(simulated.metrics().completion_queue_depth.value(), 1500);
  EXPECT_EQ(simulated.reactor().in_flight(), 0U);
}

TEST(Reactor, AnswersEnobufsWhenMaxOperationsAreRegistered) {
  SimulatedReactor simulated({.submission_entries = 8}, {.max_operations = 20});
  std::deque<RecordingWaker> wakers;
  static_cast<void>(register_nops(simulated, wakers, 20));
  RecordingWaker refused;
  const auto id = simulated.reactor().register_operation(refused, nop());
  ASSERT_FALSE(id.has_value());
  EXPECT_EQ(id.error().value(), ENOBUFS);
  simulated.reactor().wait(kForever);
  EXPECT_TRUE(simulated.reactor().register_operation(wakers.emplace_back(), nop()).has_value());
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  EXPECT_TRUE(refused.completions.empty());
  EXPECT_EQ(simulated.metrics().completed.value(), 21U);
}

TEST(Reactor, EnterThatFailsInPassingIsTriedAgain) {
  SimulatedReactor simulated;
  std::deque<RecordingWaker> wakers;
  static_cast<void>(register_nops(simulated, wakers, 3));
  simulated.ring().plan_enters({-EAGAIN, -EBUSY, -EINTR});
  std::size_t turns = 0;
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
    ++turns;
  }
  EXPECT_EQ(turns, 4U);
  EXPECT_EQ(simulated.metrics().enter_retries.value(), 3U);
  EXPECT_EQ(simulated.metrics().submitted.value(), 3U);
  for (const RecordingWaker& waker : wakers) {
    EXPECT_TRUE(waker.got(0));
  }
}

TEST(ReactorDeathTest, EnterThatCannotSucceedIsABrokenRule) {
  SimulatedReactor simulated;
  simulated.ring().plan_enters({-EBADF});
  EXPECT_DEATH(simulated.turn(), "io_uring_enter on a ring of ours never fails");
}

TEST(Reactor, CompletionsHeldBackByTheKernelAreAllDelivered) {
  SimulatedReactor simulated({.completion_entries = 8});
  const auto listener = SimulatedStore::make_listener();
  for (int connection = 0; connection < 100; ++connection) {
    listener->backlog.push_back(SimulatedStore::make_stream({}, true));
  }
  const UniqueFd listening = simulated.store().open(listener);
  // Each time that the queue is full, the last completion is held back, and ends the operation.
  RecordingWaker waker;
  const auto arm = [&] {
    return simulated.reactor().register_operation(waker, multishot_accept(listening.get())).value();
  };
  OperationId id = arm();
  while (waker.completions.size() < 100) {
    ASSERT_GT(simulated.turn(), 0U);
    if (waker.completions.back().is_final()) {
      id = arm();
    }
  }
  EXPECT_GT(simulated.metrics().completion_overflows.value(), 0U);
  EXPECT_EQ(simulated.reactor().in_flight(), 1U);
  simulated.reactor().cancel(id);
  simulated.turn();
  ASSERT_EQ(waker.completions.size(), 101U);
  EXPECT_EQ(waker.completions.back().result, -ECANCELED);
  EXPECT_TRUE(waker.completions.back().is_final());
  waker.completions.pop_back();
  for (const Completion& completion : waker.completions) {
    EXPECT_EQ(::close(completion.result), 0);
  }
}

// Begins again as often as it was told to, from within wake().
class ChainWaker final : public Waker {
 public:
  ChainWaker(Reactor& reactor, int left) noexcept : reactor_(reactor), left_(left) {}
  void start() { ASSERT_TRUE(reactor_.register_operation(*this, nop()).has_value()); }
  void wake(Completion /*completion*/) noexcept override {
    if (--left_ > 0) {
      start();
    }
  }
  [[nodiscard]] int left() const noexcept { return left_; }

 private:
  Reactor& reactor_;
  int left_;
};

TEST(Reactor, WakersRegisterTheNextOperationEvenWhenEveryPlaceIsTaken) {
  SimulatedReactor simulated({.submission_entries = 4, .completion_entries = 4},
                             {.max_operations = 16});
  std::deque<ChainWaker> chains;
  for (int index = 0; index < 16; ++index) {
    chains.emplace_back(simulated.reactor(), 50).start();
  }
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  for (const ChainWaker& chain : chains) {
    EXPECT_EQ(chain.left(), 0);
  }
  EXPECT_EQ(simulated.metrics().completed.value(), 16U * 50U);
}

TEST(Reactor, WakeEndsAWait) {
  SimulatedReactor simulated;
  ASSERT_TRUE(simulated.reactor().enable_wake().has_value());
  for (std::uint64_t wakeups = 1; wakeups <= 3; ++wakeups) {
    const TimePoint before = simulated.ring().now();
    simulated.reactor().wake();
    simulated.reactor().wait(1h);
    EXPECT_EQ(simulated.ring().now(), before);
    EXPECT_EQ(simulated.metrics().wakeups.value(), wakeups);
  }
  EXPECT_EQ(simulated.reactor().in_flight(), 0U);
}

TEST(Reactor, WakeEndsAWaitWhenOperationsHaveUsedUpTheCompletionRoom) {
  SimulatedReactor simulated({.completion_entries = 4, .held = 0});
  ASSERT_TRUE(simulated.reactor().enable_wake().has_value());
  simulated.turn();
  const UniqueFd idle = simulated.store().open(SimulatedStore::make_stream({}, false));
  std::vector<Bytes> buffers(6, Bytes(8));
  std::deque<RecordingWaker> wakers;
  std::vector<OperationId> ids;
  for (Bytes& buffer : buffers) {
    ids.push_back(simulated.reactor()
                      .register_operation(wakers.emplace_back(), receive_into(idle.get(), buffer))
                      .value());
  }
  for (std::uint64_t wakeups = 1; wakeups <= 3; ++wakeups) {
    const TimePoint before = simulated.ring().now();
    simulated.reactor().wake();
    simulated.reactor().wait(1h);
    EXPECT_EQ(simulated.ring().now(), before) << "wake-up " << wakeups << " was slept through";
    EXPECT_EQ(simulated.metrics().wakeups.value(), wakeups);
  }
  for (const OperationId id : ids) {
    simulated.reactor().cancel(id);
  }
  while (simulated.reactor().in_flight() > 0) {
    simulated.turn();
  }
}

TEST(ReactorDeathTest, DestroyingAReactorWithOperationsInFlightIsABrokenRule) {
  const auto destroy_early = [] {
    SimulatedReactor simulated({.held = 1});
    RecordingWaker waker;
    static_cast<void>(simulated.reactor().register_operation(waker, nop()));
    simulated.turn();
  };
  EXPECT_DEATH(destroy_early(), "a Reactor is destroyed only when nothing is in flight");
}

}  // namespace
}  // namespace sluice::testing
