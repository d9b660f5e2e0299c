// The simulated kernel itself: what it promises to the tests that stand on it.
#include "simulated_ring.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>

#include "buffer_guard.hpp"
#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

[[nodiscard]] Submission with_user_data(Submission entry, std::uint64_t user_data) noexcept {
  entry.user_data = user_data;
  return entry;
}

[[nodiscard]] std::vector<RingCompletion> reap_all(SimulatedRing& ring) {
  std::array<RingCompletion, 512> batch;
  const std::size_t count = ring.reap(batch);
  return {batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(count)};
}

[[nodiscard]] std::vector<std::uint64_t> order_of_completion(std::uint64_t seed) {
  SimulatedRing ring({.seed = seed});
  for (std::uint64_t user_data = 1; user_data <= 16; ++user_data) {
    EXPECT_TRUE(ring.push(with_user_data(nop(), user_data)));
  }
  EXPECT_EQ(ring.enter(kForever), 0);
  std::vector<std::uint64_t> order;
  for (const RingCompletion& completion : reap_all(ring)) {
    order.push_back(completion.user_data);
  }
  return order;
}

TEST(SimulatedRing, CompletesInAnOrderThatFollowsFromTheSeed) {
  std::set<std::vector<std::uint64_t>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto order = order_of_completion(seed);
    EXPECT_EQ(order.size(), 16U);
    EXPECT_EQ(order, order_of_completion(seed));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 20U);
}

TEST(SimulatedRing, ClockJumpsToTheEndOfTheWaitWhenNothingCanComplete) {
  SimulatedRing ring({});
  const TimePoint began_at = ring.now();
  EXPECT_EQ(ring.enter(75s), -ETIME);
  EXPECT_EQ(ring.now() - began_at, 75s);
  EXPECT_EQ(ring.enter(Duration::zero()), 0);
  EXPECT_EQ(ring.now() - began_at, 75s);
}

TEST(SimulatedRing, ClockJumpsNoFurtherThanTheFirstCompletion) {
  SimulatedRing ring({.longest_latency = 10ms});
  const TimePoint began_at = ring.now();
  ASSERT_TRUE(ring.push(with_user_data(nop(), 1)));
  EXPECT_EQ(ring.enter(1h), 0);
  EXPECT_EQ(reap_all(ring).size(), 1U);
  EXPECT_LE(ring.now() - began_at, 10ms);
}

TEST(SimulatedRing, BytesArriveOnlyWhenTheOperationCompletes) {
  SimulatedRing ring({.is_scripted = true});
  const UniqueFd file = ring.store().open(SimulatedStore::make_file(pattern(8)));
  Bytes buffer(8);
  ASSERT_TRUE(ring.push(with_user_data(ReadRequest(file.get(), buffer, 0).prepare(), 1)));
  EXPECT_EQ(ring.enter(1ms), -ETIME);
  ring.complete(1, 8);
  EXPECT_EQ(ring.enter(kForever), 0);
  EXPECT_EQ(buffer, pattern(8));
  EXPECT_EQ(reap_all(ring).size(), 1U);
}

TEST(SimulatedRing, CompletionsBeyondTheQueueWaitInTheBacklog) {
  SimulatedRing ring({.completion_entries = 4});
  for (std::uint64_t user_data = 1; user_data <= 10; ++user_data) {
    ASSERT_TRUE(ring.push(with_user_data(nop(), user_data)));
  }
  EXPECT_EQ(ring.enter(kForever), 0);
  EXPECT_TRUE(ring.has_overflowed());
  EXPECT_EQ(reap_all(ring).size(), 4U);
  EXPECT_EQ(ring.enter(kForever), -EBUSY);  // four more fit, two are still held back
  EXPECT_EQ(reap_all(ring).size(), 4U);
  EXPECT_EQ(ring.enter(kForever), 0);
  EXPECT_FALSE(ring.has_overflowed());
  EXPECT_EQ(reap_all(ring).size(), 2U);
}

TEST(SimulatedRing, CancelThatSucceedsIsSilentWhenAsked) {
  SimulatedRing ring({.held = 1});
  ASSERT_TRUE(ring.push(with_user_data(nop(), 7)));
  Submission cancel{.opcode = Opcode::async_cancel, .flags = kSubmissionSkipSuccess, .address = 7};
  ASSERT_TRUE(ring.push(cancel));
  EXPECT_EQ(ring.enter(kForever), 0);
  const auto completions = reap_all(ring);
  ASSERT_EQ(completions.size(), 1U);
  EXPECT_EQ(completions[0].user_data, 7U);
  EXPECT_EQ(completions[0].result, -ECANCELED);
}

TEST(SimulatedRing, DescriptorThatWasClosedIsNotFound) {
  SimulatedStore store;
  UniqueFd fd = store.open(SimulatedStore::make_file({}));
  const int number = fd.get();
  EXPECT_NE(store.find(number).object, nullptr);
  fd.reset();
  EXPECT_FALSE(store.find(number).is_open);
  // The number now belongs to something else.
  const UniqueFd other = store.open(SimulatedStore::make_stream({}, true));
  ASSERT_EQ(other.get(), number);
  EXPECT_EQ(store.find(number).object->kind, SimulatedObject::Kind::stream);
}

TEST(SimulatedRingDeathTest, SleepingForEverEndsTheTest) {
  SimulatedRing ring({.seed = 42});
  EXPECT_DEATH(static_cast<void>(ring.enter(kForever)), "seed 42.*sleep for ever");
}

TEST(SimulatedRingDeathTest, SpinningEndsTheTest) {
  SimulatedRing ring({.most_enters = 100});
  const auto spin = [&ring] {
    while (true) {
      static_cast<void>(ring.enter(Duration::zero()));
    }
  };
  EXPECT_DEATH(spin(), "does not spin");
}

TEST(SimulatedRingDeathTest, ClosingARingWithOperationsInFlightEndsTheTest) {
  const auto close_early = [] {
    SimulatedRing ring({.held = 1});
    EXPECT_TRUE(ring.push(with_user_data(nop(), 1)));
    static_cast<void>(ring.enter(Duration::zero()));
  };
  EXPECT_DEATH(close_early(), "closed only when nothing is in flight");
}

TEST(SimulatedRingDeathTest, OneBufferForTwoOperationsEndsTheTest) {
  SimulatedRing ring({.held = 1});
  const UniqueFd file = ring.store().open(SimulatedStore::make_file(pattern(64)));
  Bytes buffer(64);
  const std::span<std::byte> whole(buffer);
  ASSERT_TRUE(ring.push(with_user_data(ReadRequest(file.get(), whole.first(32), 0).prepare(), 1)));
  ASSERT_TRUE(
      ring.push(with_user_data(ReadRequest(file.get(), whole.subspan(31), 0).prepare(), 2)));
  EXPECT_DEATH(static_cast<void>(ring.enter(Duration::zero())), "lent to one operation at a time");
  // Nothing has been submitted in this process.
}

#if SLUICE_SIMULATION_HAS_ASAN
void free_a_buffer_in_flight() {
  SimulatedRing ring({.is_scripted = true});
  const UniqueFd file = ring.store().open(SimulatedStore::make_file(pattern(64)));
  auto buffer = std::make_unique<Bytes>(64);
  static_cast<void>(ring.push(with_user_data(ReadRequest(file.get(), *buffer, 0).prepare(), 1)));
  static_cast<void>(ring.enter(Duration::zero()));
  buffer.reset();
  ring.complete(1, 64);
  static_cast<void>(ring.enter(kForever));
}

TEST(SimulatedRingDeathTest, BufferFreedInFlightIsReportedByTheSanitizer) {
  EXPECT_DEATH(free_a_buffer_in_flight(), "heap-use-after-free");
}

TEST(SimulatedRingDeathTest, BufferTouchedInFlightIsReportedByTheSanitizer) {
  SimulatedRing ring({.is_scripted = true});
  const UniqueFd file = ring.store().open(SimulatedStore::make_file(pattern(64)));
  Bytes buffer(64);
  ASSERT_TRUE(ring.push(with_user_data(ReadRequest(file.get(), buffer, 0).prepare(), 1)));
  static_cast<void>(ring.enter(Duration::zero()));
  EXPECT_DEATH(buffer[10] = std::byte{1}, "use-after-poison");
  ring.complete(1, 64);
  static_cast<void>(ring.enter(kForever));
  buffer[10] = std::byte{1};
  EXPECT_EQ(reap_all(ring).size(), 1U);
}
#endif

}  // namespace
}  // namespace sluice::testing
