// Cancelling: it asks, none is lost, and whatever comes of the operation is delivered once.
#include <cerrno>
#include <chrono>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/reactor.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

TEST(ReactorCancel, IsSubmittedEvenWhenTheSubmissionQueueIsFullOfOperations) {
  SimulatedReactor simulated({.submission_entries = 8, .is_scripted = true});
  RecordingWaker target;
  const OperationId id = simulated.reactor().register_operation(target, nop()).value();
  simulated.turn();
  std::deque<RecordingWaker> others;
  std::vector<OperationId> ids;
  for (int index = 0; index < 30; ++index) {
    ids.push_back(simulated.reactor().register_operation(others.emplace_back(), nop()).value());
  }
  simulated.reactor().cancel(id);
  simulated.turn();
  EXPECT_EQ(simulated.ring().cancels_taken(), 1U);
  EXPECT_TRUE(target.got(-ECANCELED));
  for (const OperationId other : ids) {
    simulated.reactor().cancel(other);
  }
  while (simulated.reactor().in_flight() > 0) {
    simulated.turn();
  }
}

TEST(ReactorCancel, OfThousandsOfOperationsLosesNone) {
  constexpr std::size_t kCount = 3000;
  SimulatedReactor simulated({.submission_entries = 64, .completion_entries = 4096, .held = 1});
  std::deque<RecordingWaker> wakers;
  std::vector<OperationId> ids;
  for (std::size_t index = 0; index < kCount; ++index) {
    ids.push_back(simulated.reactor().register_operation(wakers.emplace_back(), nop()).value());
  }
  while (simulated.ring().pending().size() < kCount) {
    simulated.turn();
  }
  const std::uint64_t enters_before = simulated.ring().enters();
  for (const OperationId id : ids) {
    simulated.reactor().cancel(id);
    simulated.reactor().cancel(id);  // asking twice is asking once
  }
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  for (const RecordingWaker& waker : wakers) {
    ASSERT_TRUE(waker.got(-ECANCELED));
  }
  EXPECT_EQ(simulated.ring().cancels_taken(), kCount);
  EXPECT_EQ(simulated.metrics().cancels_submitted.value(), kCount);
  EXPECT_EQ(simulated.metrics().stale_completions.value(), 0U);
  EXPECT_LE(simulated.ring().enters() - enters_before, kCount / 64 + 2);
}

TEST(ReactorCancel, OfAParkedOperationCompletesItWithoutTheKernel) {
  SimulatedReactor simulated({.completion_entries = 2, .is_scripted = true});
  std::deque<RecordingWaker> wakers;
  std::vector<OperationId> ids;
  for (int index = 0; index < 4; ++index) {
    ids.push_back(simulated.reactor().register_operation(wakers.emplace_back(), nop()).value());
  }
  simulated.turn();
  simulated.reactor().cancel(ids[2]);
  EXPECT_TRUE(wakers[2].completions.empty()) << "cancel() only asks";
  const TimePoint before = simulated.ring().now();
  simulated.reactor().wait(1h);  // does not sleep on a completion that is known already
  EXPECT_EQ(simulated.ring().now(), before);
  EXPECT_TRUE(wakers[2].got(-ECANCELED));
  EXPECT_EQ(simulated.ring().cancels_taken(), 0U);
  EXPECT_EQ(simulated.metrics().parked.value(), 1);
  simulated.ring().complete(ids[0].to_user_data(), 0);
  simulated.ring().complete(ids[1].to_user_data(), 0);
  simulated.turn();
  simulated.turn();
  ASSERT_EQ(simulated.ring().pending().size(), 1U);
  EXPECT_EQ(simulated.ring().pending()[0].user_data, ids[3].to_user_data());
  simulated.ring().complete(ids[3].to_user_data(), 0);
  simulated.turn();
  EXPECT_EQ(simulated.ring().operations_taken(), 3U);
  EXPECT_EQ(simulated.reactor().in_flight(), 0U);
}

TEST(ReactorCancel, OfAnOperationPushedInTheSameTurnReachesTheKernelBehindIt) {
  SimulatedReactor simulated({.held = 1});
  RecordingWaker waker;
  const auto id = simulated.reactor().register_operation(waker, nop());
  simulated.reactor().cancel(id.value());
  simulated.turn();
  EXPECT_TRUE(waker.got(-ECANCELED));
  EXPECT_EQ(simulated.ring().operations_taken(), 1U);
  EXPECT_EQ(simulated.ring().cancels_taken(), 1U);
}

TEST(ReactorCancel, ResultThatWinsIsDelivered) {
  for (const CancelAnswer answer : {CancelAnswer::not_found, CancelAnswer::running}) {
    SimulatedReactor simulated({.is_scripted = true});
    simulated.ring().answer_cancels(answer);
    RecordingWaker waker;
    const auto id = simulated.reactor().register_operation(waker, nop());
    simulated.turn();
    simulated.reactor().cancel(id.value());
    simulated.turn();
    EXPECT_EQ(simulated.ring().cancels_taken(), 1U);
    EXPECT_TRUE(waker.completions.empty()) << "only the target itself can tell";
    simulated.ring().complete(id->to_user_data(), 17);
    simulated.turn();
    EXPECT_TRUE(waker.got(17));
    EXPECT_EQ(simulated.metrics().stale_completions.value(), 0U);
  }
}

TEST(ReactorCancel, ResultReapedBeforeTheCancelIsPushedMakesItUnnecessary) {
  SimulatedReactor simulated({.is_scripted = true});
  RecordingWaker waker;
  const auto id = simulated.reactor().register_operation(waker, nop());
  simulated.ring().complete(id->to_user_data(), 3);
  simulated.turn();
  simulated.reactor().cancel(id.value());  // a stale id names nothing
  simulated.turn();
  EXPECT_TRUE(waker.got(3));
  EXPECT_EQ(simulated.metrics().cancels_requested.value(), 0U);
  EXPECT_EQ(simulated.ring().cancels_taken(), 0U);
}

TEST(ReactorCancel, EndsAMultishotOperationAfterWhatItHasDelivered) {
  SimulatedReactor simulated({.is_scripted = true});
  RecordingWaker waker;
  const auto id = simulated.reactor().register_operation(waker, nop());
  simulated.turn();
  simulated.ring().complete(id->to_user_data(), 5, kCompletionMore);
  simulated.turn();
  EXPECT_EQ(simulated.reactor().in_flight(), 1U);
  simulated.reactor().cancel(id.value());
  simulated.turn();
  ASSERT_EQ(waker.completions.size(), 2U);
  EXPECT_FALSE(waker.completions[0].is_final());
  EXPECT_EQ(waker.completions[1].result, -ECANCELED);
  EXPECT_EQ(simulated.reactor().in_flight(), 0U);
}

TEST(ReactorCancel, SurvivesEntersThatFail) {
  SimulatedReactor simulated({.held = 1});
  RecordingWaker waker;
  const auto id = simulated.reactor().register_operation(waker, nop());
  simulated.turn();
  simulated.reactor().cancel(id.value());
  simulated.ring().plan_enters({-EAGAIN, -EBUSY, -EAGAIN});
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  EXPECT_TRUE(waker.got(-ECANCELED));
  EXPECT_EQ(simulated.ring().cancels_taken(), 1U);
}

// Cancels all others of its group from within wake().
class CancellingWaker final : public Waker {
 public:
  explicit CancellingWaker(Reactor& reactor) noexcept : reactor_(reactor) {}
  void wake(Completion completion) noexcept override {
    result = completion.result;
    ++wakes;
    for (const OperationId id : targets) {
      reactor_.cancel(id);
    }
  }

  std::vector<OperationId> targets;
  int wakes = 0;
  std::int32_t result = 0;

 private:
  Reactor& reactor_;
};

TEST(ReactorCancel, MayBeAskedForFromWithinAWaker) {
  SimulatedReactor simulated({.completion_entries = 8, .held = 1});
  std::deque<CancellingWaker> wakers;
  std::vector<OperationId> ids;
  for (int index = 0; index < 40; ++index) {  // eight in the kernel, the others parked
    ids.push_back(simulated.reactor()
                      .register_operation(wakers.emplace_back(simulated.reactor()), nop())
                      .value());
  }
  for (std::size_t index = 0; index < wakers.size(); ++index) {
    wakers[index].targets = {ids[(index + 1) % ids.size()], ids[(index + 7) % ids.size()]};
  }
  simulated.turn();
  simulated.reactor().cancel(ids[20]);  // a parked one; the rest follow by themselves
  while (simulated.reactor().in_flight() > 0) {
    simulated.reactor().wait(kForever);
  }
  for (const CancellingWaker& waker : wakers) {
    EXPECT_EQ(waker.wakes, 1);
    EXPECT_EQ(waker.result, -ECANCELED);
  }
}

}  // namespace
}  // namespace sluice::testing
