// Two thousand operations in flight on the real kernel, cancelled at a random moment, ten thousand
// times in ten blocks: nothing is left in flight, no descriptor is left open, no byte of a stream
// is lost and none of the heap. Instrumented and unoptimised builds make two hundred rounds;
// SLUICE_SHUTDOWN_ROUNDS=<count> sets how many each of the ten blocks makes.
#include <poll.h>

#include <array>
#include <cstdlib>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "counting_allocator.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

#if defined(NDEBUG) && !defined(SLUICE_INSTRUMENTED)
constexpr int kRoundsPerBlock = 1000;
#else
constexpr int kRoundsPerBlock = 20;
#endif
constexpr unsigned kBlocks = 10;

constexpr std::size_t kPairs = 50;
constexpr std::size_t kReceivesPerPair = 20;
constexpr std::size_t kPolls = 500;
constexpr std::size_t kReads = 500;
constexpr std::size_t kSleeps = 200;
constexpr std::size_t kOperations = kPairs * kReceivesPerPair + kPolls + kReads;

[[nodiscard]] int rounds_of_a_block() {
  const char* text = std::getenv("SLUICE_SHUTDOWN_ROUNDS");
  return text != nullptr ? std::atoi(text) : kRoundsPerBlock;
}

class Crowd {
 public:
  explicit Crowd(unsigned seed) : random_(seed) {
    for (Pair& pair : pairs_) {
      pair = socket_pair();
    }
  }

  void round() {
    // The queues hold an eighth of it all, so that some is parked, some queued and some in the
    // kernel when the end comes.
    Loop loop({.submission_entries = 256, .completion_entries = 1024}, {},
              {.resumes_per_turn = 1U << (5 + random_() % 7)});
    loop.run(everything(loop));
    const ReactorMetrics& metrics = loop.reactor().metrics();
    EXPECT_EQ(loop.reactor().in_flight(), 0U);
    EXPECT_EQ(metrics.registered.value(), metrics.completed.value());
    EXPECT_EQ(metrics.stale_completions.value(), 0U);
    EXPECT_EQ(metrics.parked.value(), 0);
    EXPECT_EQ(loop.executor().metrics().tasks_alive.value(), 0);
    EXPECT_EQ(loop.executor().metrics().frames_alive.value(), 0);
    most_in_flight_ = std::max(most_in_flight_, in_flight_at_the_end_);
    for (Pair& pair : pairs_) {
      std::array<std::byte, 256> rest;
      ssize_t count = 0;
      while ((count = ::recv(pair.far.fd(), rest.data(), rest.size(), MSG_DONTWAIT)) > 0) {
        received_ += static_cast<std::uint64_t>(count);
      }
    }
    EXPECT_EQ(received_, sent_);
  }
  /// The rounds have reached what they are for.
  void expect_variety() const {
    EXPECT_GT(most_in_flight_, kOperations - kOperations / 10);  // a few have just completed
    EXPECT_GT(cancelled_, completed_);
    EXPECT_GT(completed_, 0U);
  }

 private:
  Task<void> everything(Loop& loop) {
    TaskScope tasks(co_await current_context());
    for (std::size_t index = 0; index < kPairs * kReceivesPerPair; ++index) {
      tasks.spawn(receive(pairs_[index % kPairs].far));
    }
    for (std::size_t index = 0; index < kPolls; ++index) {
      tasks.spawn(poll());
    }
    for (std::size_t index = 0; index < kReads; ++index) {
      tasks.spawn(read());
    }
    for (std::size_t index = 0; index < kSleeps; ++index) {
      tasks.spawn(sleep());
    }
    for (auto turns = random_() % 40; turns > 0; --turns) {
      disturb();
      co_await yield();
    }
    in_flight_at_the_end_ = loop.reactor().in_flight();
    tasks.cancel();
    disturb();
    co_await tasks.join();
  }
  void disturb() {
    for (auto count = random_() % 8; count > 0; --count) {
      put(pairs_[random_() % kPairs].near.fd(), "x");
      ++sent_;
    }
  }
  void note(bool has_completed) { ++(has_completed ? completed_ : cancelled_); }

  Task<void> receive(const Socket& socket) {
    std::array<std::byte, 1> buffer;
    while (true) {
      const auto got = co_await socket.receive(buffer);
      note(got.has_value());
      if (!got) {
        EXPECT_TRUE(is_cancelled(got.error()));
        co_return;
      }
      received_ += *got;
    }
  }
  Task<void> poll() {
    note((co_await Operation(PollRequest(quiet_.near.fd(), POLLIN))).has_value());
  }
  Task<void> read() {
    std::array<std::byte, 8> buffer;
    note((co_await Operation(ReadRequest(quiet_.far.fd(), buffer, 0))).has_value());
  }
  static Task<void> sleep() { EXPECT_FALSE(co_await sleep_for(std::chrono::hours(1))); }

  std::mt19937 random_;
  std::array<Pair, kPairs> pairs_;
  Pair quiet_ = socket_pair();
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t cancelled_ = 0;
  std::uint64_t completed_ = 0;
  std::size_t in_flight_at_the_end_ = 0;
  std::size_t most_in_flight_ = 0;
};

class MassShutdown : public ::testing::TestWithParam<unsigned> {};

TEST_P(MassShutdown, LeavesNothingBehindWhereverTheCancelComes) {
  Crowd crowd(20260229 + GetParam());
  for (int round = 0; round < 10; ++round) {
    crowd.round();  // the pool of frames fills up
  }
  const auto descriptors = open_descriptors();
  const auto allocations = allocations_alive();
  const int rounds = rounds_of_a_block();
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    crowd.round();
    EXPECT_EQ(allocations_alive(), allocations) << "after round " << round;
    if (round % 100 == 0) {
      EXPECT_EQ(open_descriptors(), descriptors) << "after round " << round;
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  crowd.expect_variety();
}

INSTANTIATE_TEST_SUITE_P(Blocks, MassShutdown, ::testing::Range(0U, kBlocks));

}  // namespace
}  // namespace sluice::runtime_test
