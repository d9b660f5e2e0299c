#include <sluice/kernel_ring.hpp>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"
#include "system_call_filter.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Submission nop(std::uint64_t user_data) { return {.user_data = user_data}; }

std::vector<std::uint64_t> reap_user_data(KernelRing& ring, std::size_t at_once = 16) {
  std::vector<RingCompletion> batch(at_once);
  std::vector<std::uint64_t> found;
  while (const std::size_t count = ring.reap(batch)) {
    for (std::size_t index = 0; index < count; ++index) {
      EXPECT_EQ(batch[index].result, 0);
      found.push_back(batch[index].user_data);
    }
  }
  return found;
}

TEST(KernelRing, RoundsItsQueuesUpToPowersOfTwo) {
  const auto ring = make_ring({.submission_entries = 100, .completion_entries = 300});
  EXPECT_EQ(ring->submission_capacity(), 128U);
  EXPECT_EQ(ring->completion_capacity(), 512U);
  EXPECT_EQ(ring->unsubmitted(), 0U);
  EXPECT_FALSE(ring->has_overflowed());
}

TEST(KernelRing, HasRoomForCompletionsOfAllThatCanBeSubmitted) {
  for (const unsigned entries : {0U, 1U, 63U, 64U, 65U, 1000U}) {
    const auto ring = make_ring({.submission_entries = entries, .completion_entries = 1});
    EXPECT_GE(ring->submission_capacity(), std::max(entries, 1U));
    EXPECT_TRUE(std::has_single_bit(ring->submission_capacity()));
    EXPECT_GE(ring->completion_capacity(), ring->submission_capacity());
  }
}

TEST(KernelRing, QueuesBeyondTheKernelsLimitAreCutToIt) {
  for (const unsigned entries : {100'000U, 2'000'000'000U, 4'000'000'000U}) {
    const auto ring = KernelRing::create({.submission_entries = entries});
    ASSERT_TRUE(ring) << ring.error().explanation;
    EXPECT_GE((*ring)->submission_capacity(), 4096U) << entries;
  }
}

TEST(KernelRing, PushesUntilItIsFullAndNoFurther) {
  const auto ring = make_ring();
  std::vector<std::uint64_t> pushed;
  while (ring->push(nop(pushed.size() + 1))) {
    pushed.push_back(pushed.size() + 1);
    ASSERT_EQ(ring->unsubmitted(), pushed.size());
    ASSERT_LE(pushed.size(), 64U);
  }
  EXPECT_EQ(pushed.size(), ring->submission_capacity());
  EXPECT_FALSE(ring->push(nop(999)));
  EXPECT_TRUE(reap_user_data(*ring).empty()) << "nothing is submitted before enter()";
  EXPECT_EQ(ring->enter(kForever), 0);
  EXPECT_EQ(ring->unsubmitted(), 0U);
  EXPECT_EQ(reap_user_data(*ring), pushed);
  EXPECT_TRUE(ring->push(nop(1)));
}

TEST(KernelRing, WrapsAroundManyTimesWithoutMixingEntriesUp) {
  const auto ring = make_ring();
  std::uint64_t next = 1;
  std::uint64_t expected = 1;
  for (int round = 0; round < 1000; ++round) {
    for (int count = 0; count < 37; ++count) {
      ASSERT_TRUE(ring->push(nop(next++)));
    }
    ASSERT_EQ(ring->enter(Duration::zero()), 0);
    for (const std::uint64_t found : reap_user_data(*ring, 5)) {
      ASSERT_EQ(found, expected++);
    }
  }
  EXPECT_EQ(expected, next);
}

TEST(KernelRing, EnterComesBackWhenItsTimeIsUp) {
  const auto ring = make_ring();
  const TimePoint before = ring->now();
  EXPECT_EQ(ring->enter(20ms), -ETIME);
  EXPECT_GE(ring->now() - before, 20ms);
  EXPECT_EQ(ring->enter(1ns), -ETIME);
}

TEST(KernelRing, EnterWithoutTimeDoesNotWait) {
  const auto ring = make_ring();
  EXPECT_LE(ring->enter(Duration::zero()), 0);
  EXPECT_LE(ring->enter(Duration(-5)), 0);
  EXPECT_LE(ring->enter(Duration::min()), 0);
}

TEST(KernelRing, EnterWithTheLongestTimeReturnsForACompletion) {
  const auto ring = make_ring();
  ASSERT_TRUE(ring->push(nop(1)));
  EXPECT_EQ(ring->enter(Duration::max()), 0);
  EXPECT_EQ(reap_user_data(*ring), std::vector<std::uint64_t>{1});
}

TEST(KernelRing, EnterReturnsForASignal) {
  const auto ring = make_ring();
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
  const itimerval every_10ms{{0, 10'000}, {0, 10'000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &every_10ms, nullptr), 0);
  EXPECT_EQ(ring->enter(kForever), -EINTR);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
}

TEST(KernelRing, MoreCompletionsThanRoomAreHeldBackAndNoneIsLost) {
  const auto ring = make_ring();
  const std::uint64_t count = 5ULL * ring->submission_capacity();
  ASSERT_GT(count, ring->completion_capacity());
  for (std::uint64_t number = 1; number <= count; ++number) {
    if (!ring->push(nop(number))) {
      static_cast<void>(ring->enter(Duration::zero()));
      ASSERT_TRUE(ring->push(nop(number)));
    }
  }
  static_cast<void>(ring->enter(Duration::zero()));
  EXPECT_TRUE(ring->has_overflowed());
  std::vector<std::uint64_t> found;
  for (int turn = 0; turn < 100 && found.size() < count; ++turn) {
    for (const std::uint64_t number : reap_user_data(*ring)) {
      found.push_back(number);
    }
    static_cast<void>(ring->enter(Duration::zero()));
  }
  ASSERT_EQ(found.size(), count);
  for (std::uint64_t number = 1; number <= count; ++number) {
    ASSERT_EQ(found[number - 1], number);
  }
  EXPECT_FALSE(ring->has_overflowed());
}

TEST(KernelRing, KnowsTheKernelsOperations) {
  const auto ring = make_ring();
  EXPECT_TRUE(ring->capabilities().supports(Opcode::read));
  EXPECT_FALSE(ring->capabilities().kernel_release.empty());
  EXPECT_FALSE(std::string(liburing_version()).empty());
}

TEST(KernelRing, TakesLimitsOnWorkers) {
  const auto ring = make_ring({.submission_entries = 64,
                               .completion_entries = 128,
                               .bounded_workers = 1,
                               .unbounded_workers = 2});
  ASSERT_TRUE(ring->push(nop(1)));
  EXPECT_EQ(ring->enter(kForever), 0);
  EXPECT_EQ(reap_user_data(*ring).size(), 1U);
}

TEST(KernelRing, ClosesItsDescriptor) {
  const auto before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    const auto ring = make_ring();
    EXPECT_GT(open_descriptors(), before);
  }
  EXPECT_EQ(open_descriptors(), before);
}

// Runs in a child process, in which the kernel may only be given entries, and asked for nothing.
[[noreturn]] void submit_without_waiting() {
  const auto ring = make_ring();
  forbid_system_call(SYS_io_uring_enter, EPERM, detail::kEnterGetEvents);
  CHILD_CHECK(ring->push(nop(7)));
  CHILD_CHECK(ring->enter(kForever) == 0);
  std::array<RingCompletion, 2> completions;
  CHILD_CHECK(ring->reap(completions) == 1);
  CHILD_CHECK(completions[0].user_data == 7);
  // What a timer of the kernel's completes later has to be waited for.
  Submission timer{.opcode = Opcode::timeout, .length = 1};
  const detail::KernelTimespec long_after{.seconds = 60};
  timer.address = reinterpret_cast<std::uint64_t>(&long_after);
  CHILD_CHECK(ring->push(timer));
  CHILD_CHECK(ring->enter(kForever) == -EPERM);
  CHILD_CHECK(ring->unsubmitted() == 0);
  ::_exit(0);
}

TEST(KernelRing, AsksForCompletionsOnlyIfNoneIsThereAfterSubmitting) {
  EXPECT_EXIT(submit_without_waiting(), ::testing::ExitedWithCode(0), "");
}

// What create() says when a call is refused; runs in a child process.
[[noreturn]] void create_refused(std::uint32_t error, const char* expected) {
  forbid_system_call(SYS_io_uring_setup, error);
  CHILD_CHECK(current_environment().has_seccomp_filter);
  const auto ring = KernelRing::create({});
  CHILD_CHECK(!ring);
  CHILD_CHECK(ring.error().errno_value == static_cast<int>(error));
  std::fprintf(stderr, "%s\n", ring.error().explanation.c_str());
  CHILD_CHECK(ring.error().explanation.find(expected) != std::string::npos);
  CHILD_CHECK(!probe_capabilities());
  ::_exit(0);
}

TEST(KernelRingRefused, ByASeccompFilterSaysSo) {
  EXPECT_EXIT(create_refused(EPERM, "seccomp"), ::testing::ExitedWithCode(0), "SystemCallFilter");
}

TEST(KernelRingRefused, AsIfThereWereNoneSaysSo) {
  EXPECT_EXIT(create_refused(ENOSYS, "io_uring"), ::testing::ExitedWithCode(0), "seccomp");
}

TEST(KernelRingRefused, ForItsOptionsNamesTheKernel) {
  EXPECT_EXIT(create_refused(EINVAL, "6.1"), ::testing::ExitedWithCode(0), "6.1 or newer");
}

[[noreturn]] void enter_with_nothing_to_do() {
  const auto ring = make_ring();
  forbid_system_call(SYS_io_uring_enter, EPERM);
  CHILD_CHECK(ring->enter(Duration::zero()) == 0);
  CHILD_CHECK(ring->enter(1ns) == -EPERM);
  CHILD_CHECK(ring->push(nop(1)));
  CHILD_CHECK(ring->enter(Duration::zero()) == -EPERM);
  ::_exit(0);
}

TEST(KernelRing, GoesToTheKernelOnlyWithSomethingToDoThere) {
  EXPECT_EXIT(enter_with_nothing_to_do(), ::testing::ExitedWithCode(0), "");
}

TEST(KernelRing, WhatHasBecomeDueIsPostedWithoutAWait) {
  const auto ring = make_ring();
  const Pair pair = socket_pair();
  std::array<std::byte, 1> buffer{};
  Submission entry = ReceiveRequest(pair.near.fd(), buffer).prepare();
  entry.user_data = 7;
  ASSERT_TRUE(ring->push(entry));
  ASSERT_EQ(ring->enter(Duration::zero()), 0);
  std::array<RingCompletion, 2> completions;
  ASSERT_EQ(ring->reap(completions), 0U);
  ASSERT_EQ(::write(pair.far.fd(), "x", 1), 1);
  ASSERT_EQ(ring->enter(Duration::zero()), 0);
  ASSERT_EQ(ring->reap(completions), 1U);
  EXPECT_EQ(completions[0].user_data, 7U);
  EXPECT_EQ(completions[0].result, 1);
}

[[noreturn]] void create_without_descriptors() {
  const auto next = static_cast<rlim_t>(::dup(STDERR_FILENO));
  const rlimit few{next + 1, next + 1};
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto ring = KernelRing::create({});
  CHILD_CHECK(!ring);
  CHILD_CHECK(ring.error().errno_value == EMFILE);
  std::fprintf(stderr, "%s\n", ring.error().explanation.c_str());
  ::_exit(0);
}

TEST(KernelRingRefused, ForWantOfDescriptorsNamesTheLimit) {
  EXPECT_EXIT(create_without_descriptors(), ::testing::ExitedWithCode(0), "ulimit -n");
}

TEST(KernelRingDeathTest, AReactorOnAnotherThreadThanItsRingsIsCaught) {
  EXPECT_DEATH(
      {
        auto ring = make_ring();
        std::thread([&ring] {
          Reactor reactor(std::move(ring));
          reactor.wait(1ms);
        }).join();
      },
      "broken rule: io_uring_enter on a ring of ours never fails");
}

}  // namespace
}  // namespace sluice::runtime_test
