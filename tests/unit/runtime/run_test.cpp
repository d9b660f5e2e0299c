#include <sluice/run.hpp>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Task<int> answer() {
  co_await yield();
  co_return 42;
}
Task<std::unique_ptr<std::string>> movable() { co_return std::make_unique<std::string>("moved"); }
Task<void> sleep_shortly() { EXPECT_TRUE(co_await sleep_for(1ms)); }

TEST(Run, GivesTheValueOfTheTask) {
  EXPECT_EQ(run(answer()).value(), 42);
  EXPECT_EQ(*run(movable()).value(), "moved");
  EXPECT_TRUE(run(sleep_shortly()));
}

TEST(Run, TakesTheAnswersOfABlockingPool) {
  BlockingPool pool({});
  const auto compute = [](BlockingPool& on) -> Task<int> {
    co_return (co_await on.run([] { return 42; })).value();
  };
  EXPECT_EQ(run(compute(pool)).value(), 42);
}

TEST(Run, LeavesNoDescriptor) {
  const auto before = open_descriptors();
  EXPECT_EQ(run(answer()).value(), 42);
  EXPECT_EQ(run(answer(), {SIGUSR1}).value(), 42);
  EXPECT_EQ(open_descriptors(), before);
}

Task<bool> raise_and_wait(int number) {
  TaskScope scope(co_await current_context());
  int cancelled = 0;
  for (int count = 0; count < 3; ++count) {
    scope.spawn(
        [](int& counted) -> Task<void> { counted += co_await sleep_for(1h) ? 0 : 1; }(cancelled));
  }
  co_await yield();
  ::raise(number);
  const auto slept = co_await sleep_for(1h);
  co_await scope.join();
  co_return cancelled == 3 && !slept && is_cancelled(slept.error());
}

TEST(Run, AStopSignalCancelsTheTaskAndAllBelowIt) {
  EXPECT_TRUE(run(raise_and_wait(SIGTERM), {SIGINT, SIGTERM}).value());
  EXPECT_TRUE(run(raise_and_wait(SIGINT), {SIGINT, SIGTERM}).value());
}

void run_without_descriptors() {
  const rlimit none{0, 0};
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto without_signals = run(answer());
  CHILD_CHECK(!without_signals && !without_signals.error().explanation.empty());
  const auto with_signals = run(answer(), {SIGINT});
  CHILD_CHECK(!with_signals && with_signals.error().errno_value == EMFILE);
  CHILD_CHECK(with_signals.error().explanation.find("signals") != std::string::npos);
  ::_exit(0);
}

TEST(RunDeathTest, ThatCannotBeginSaysWhy) {
  EXPECT_EXIT(run_without_descriptors(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sluice::runtime_test
