// Sends without a copy: when the count comes, when the buffer is free, and what is counted.
#include <sluice/zero_copy.hpp>

#include <cerrno>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// A simulated kernel, and a socket to send to.
class ZeroCopyTest : public ::testing::Test {
 public:
  void start(const SimulatedRingOptions& options) {
    simulation_ = std::make_unique<Simulation>(options);
    peer = SimulatedStore::make_stream({}, false);
    socket = Socket(simulation().store().open(peer));
  }
  [[nodiscard]] Simulation& simulation() noexcept { return *simulation_; }
  [[nodiscard]] const ReactorMetrics& metrics() { return simulation().metrics(); }

  ObjectPointer peer;
  Socket socket;

 private:
  std::unique_ptr<Simulation> simulation_;
};

Task<void> send_once(ZeroCopyTest& test, Result<std::size_t>& result, Duration& took) {
  Bytes bytes = pattern(300);
  const TimePoint began_at = test.simulation().now();
  result = co_await test.socket.send_zero_copy(bytes);
  took = test.simulation().now() - began_at;
  bytes.assign(300, std::byte{0});  // ours again: the kernel would see a change
}

TEST_F(ZeroCopyTest, AwaitedAsOneItEndsWhenTheBufferIsFree) {
  start({.notifies_late = 1});
  Result<std::size_t> result = 0;
  Duration took{};
  simulation().run(send_once(*this, result, took));
  EXPECT_EQ(result, 300U);
  EXPECT_EQ(peer->sent, pattern(300));
  EXPECT_GE(took, 10s);
  EXPECT_EQ(metrics().zero_copy_released.value(), 1U);
  EXPECT_EQ(metrics().zero_copy_copied.value(), 0U);
  EXPECT_EQ(metrics().zero_copy_outstanding.value(), 0);
}

TEST_F(ZeroCopyTest, ErrorThatNotifiesKeepsTheErrorAndTheBuffer) {
  start({.notifies_late = 1, .notifies_error = 1});
  simulation().ring().plan(Opcode::send_zero_copy, {-EPIPE});
  Result<std::size_t> result = 0;
  Duration took{};
  simulation().run(send_once(*this, result, took));
  EXPECT_EQ(result.error(), std::errc::broken_pipe);
  EXPECT_GE(took, 10s);
  EXPECT_EQ(metrics().failed[static_cast<std::size_t>(OperationKind::send)].value(), 1U);
  EXPECT_EQ(metrics().zero_copy_outstanding.value(), 0);
}

TEST_F(ZeroCopyTest, OneCompletionAloneIsTheEnd) {
  start({.skips_notification = 1});
  Result<std::size_t> result = 0;
  Duration took{};
  simulation().run(send_once(*this, result, took));
  EXPECT_EQ(result, 300U);
  simulation().ring().plan(Opcode::send_zero_copy, {-EOPNOTSUPP});
  simulation().run(send_once(*this, result, took));
  EXPECT_EQ(result.error(), std::errc::operation_not_supported);
  EXPECT_EQ(metrics().zero_copy_released.value(), 0U);
}

TEST_F(ZeroCopyTest, CopiesThatTheKernelMadeAreCountedAndNoFailures) {
  start({.copies = 1});
  Result<std::size_t> result = 0;
  Duration took{};
  simulation().run(send_once(*this, result, took));
  EXPECT_EQ(result, 300U);
  EXPECT_EQ(metrics().zero_copy_copied.value(), 1U);
  EXPECT_EQ(metrics().failed[static_cast<std::size_t>(OperationKind::send)].value(), 0U);
}

TEST_F(ZeroCopyTest, SeveralBuffersGoOutInOrder) {
  start({.short_transfer = 0.5});
  simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const Bytes one = pattern(10);
    const Bytes two = pattern(90, 10);
    const iovec pieces[] = {piece_to_send(one), piece_to_send(two)};
    const auto count = co_await test.socket.send_vectored_zero_copy(pieces);
    EXPECT_EQ(count, test.peer->sent.size());
    EXPECT_EQ(test.peer->sent, pattern(test.peer->sent.size()));
  }(*this));
}

TEST_F(ZeroCopyTest, SendAllFallsBackToACopyWhereTheSocketKnowsNoOther) {
  for (const int error : {EOPNOTSUPP, ENOMEM}) {
    start({});
    simulation().ring().plan(Opcode::send_zero_copy, {100, -error});
    Result<void> sent = failure(EIO);
    simulation().run([](ZeroCopyTest& test, Result<void>& result) -> Task<void> {
      const Bytes bytes = pattern(1000);
      result = co_await test.socket.send_all_zero_copy(bytes);
    }(*this, sent));
    EXPECT_TRUE(sent);
    EXPECT_EQ(peer->sent, pattern(1000));
  }
}

TEST_F(ZeroCopyTest, SenderGivesTheCountBeforeTheBufferIsFree) {
  start({.notifies_late = 1});
  simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const TimePoint began_at = test.simulation().now();
    Bytes buffers[2] = {pattern(100), pattern(100, 100)};
    ZeroCopySender one(test.socket);
    ZeroCopySender two(test.socket);
    co_await one.released();  // nothing is out yet
    EXPECT_EQ(co_await one.send(buffers[0]), 100U);
    EXPECT_FALSE(one.is_released());
    EXPECT_EQ(co_await two.send(buffers[1]), 100U);
    EXPECT_EQ(test.simulation().now(), began_at) << "the second did not wait for the first";
    EXPECT_EQ(test.metrics().zero_copy_outstanding.value(), 2);
    co_await one.released();
    EXPECT_GE(test.simulation().now() - began_at, 10s);
    buffers[0] = pattern(100, 200);
    EXPECT_EQ(co_await one.send(buffers[0]), 100U);
    co_await one.released();
    co_await two.released();
    EXPECT_EQ(test.peer->sent, pattern(300));
  }(*this));
  EXPECT_EQ(metrics().zero_copy_outstanding.value(), 0);
}

TEST_F(ZeroCopyTest, SenderThatFailsStillHoldsTheBufferUntilReleased) {
  start({.notifies_late = 1, .notifies_error = 1});
  simulation().ring().plan(Opcode::send_zero_copy, {-ECONNRESET});
  simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const Bytes bytes = pattern(100);
    ZeroCopySender sender(test.socket);
    EXPECT_EQ((co_await sender.send(bytes)).error(), std::errc::connection_reset);
    EXPECT_FALSE(sender.is_released());
    co_await sender.released();
    EXPECT_TRUE(sender.is_released());
  }(*this));
}

TEST_F(ZeroCopyTest, SenderInACancelledScopeSendsNothing) {
  start({});
  simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const Bytes bytes = pattern(100);
    CancelScope scope;
    scope.cancel();
    ZeroCopySender sender(test.socket);
    EXPECT_TRUE(is_cancelled((co_await sender.send(bytes).within(scope)).error()));
    EXPECT_TRUE(sender.is_released());
    EXPECT_EQ(test.simulation().ring().operations_taken(), 0U);
  }(*this));
}

TEST_F(ZeroCopyTest, CancelledSenderAnswersWithWhatBecameOfTheSend) {
  for (const bool cancel_wins : {true, false}) {
    start({.held = 1});
    simulation().ring().answer_cancels(cancel_wins ? CancelAnswer::cancelled
                                                   : CancelAnswer::not_found);
    simulation().run([](ZeroCopyTest& test, bool wins) -> Task<void> {
      const Bytes bytes = pattern(100);
      Deadline deadline(co_await current_context());
      deadline.set(test.simulation().now() + 1s);
      ZeroCopySender sender(test.socket);
      const auto count = co_await sender.send(bytes).within(deadline.scope());
      EXPECT_EQ(count.value_or(0), wins ? 0U : 100U);
      co_await sender.released();
    }(*this, cancel_wins));
    EXPECT_EQ(peer->sent.size(), cancel_wins ? 0U : 100U);
  }
}

using ZeroCopyDeathTest = ZeroCopyTest;

TEST_F(ZeroCopyDeathTest, DestroyingASenderWhoseBufferIsOutAborts) {
  start({.notifies_late = 1});
  EXPECT_DEATH(simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const Bytes bytes = pattern(100);
    ZeroCopySender sender(test.socket);
    static_cast<void>(co_await sender.send(bytes));
  }(*this)),
               "await released\\(\\) first");
}

TEST_F(ZeroCopyDeathTest, SendingASecondBufferWhileTheFirstIsOutAborts) {
  start({.notifies_late = 1});
  EXPECT_DEATH(simulation().run([](ZeroCopyTest& test) -> Task<void> {
    const Bytes bytes = pattern(100);
    ZeroCopySender sender(test.socket);
    static_cast<void>(co_await sender.send(bytes));
    static_cast<void>(co_await sender.send(bytes));
  }(*this)),
               "a ZeroCopySender has one buffer out at a time");
}

TEST_F(ZeroCopyDeathTest, SimulatedKernelNoticesABufferThatChangesTooEarly) {
  start({.notifies_late = 1});
  EXPECT_DEATH(simulation().run([](ZeroCopyTest& test) -> Task<void> {
    Bytes bytes = pattern(100);
    ZeroCopySender sender(test.socket);
    static_cast<void>(co_await sender.send(bytes));
    bytes[7] = std::byte{0};
    co_await sender.released();
  }(*this)),
               "stays as it is until its notification");
}

}  // namespace
}  // namespace sluice::testing
