#include <sluice/timer.hpp>

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(Sleep, LastsAtLeastAsLongAsAsked) {
  Loop loop;
  const TimePoint begun = Clock::now();
  loop.run([]() -> Task<void> {
    EXPECT_TRUE(co_await sleep_for(10ms));
    EXPECT_TRUE(co_await sleep_for(10ms));
  }());
  EXPECT_GE(Clock::now() - begun, 20ms - 1ms);
  EXPECT_EQ(loop.executor().metrics().timers_expired.value(), 2U);
}

TEST(Sleep, UntilAMomentInThePastOrNowIsShort) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await sleep_until(loop.executor().now()));
    EXPECT_TRUE(co_await sleep_until(loop.executor().now() - 1h));
    EXPECT_TRUE(co_await sleep_for(0ns));
    EXPECT_TRUE(co_await sleep_for(-1h));
  }());
}

// The earliest moment there is must not turn into the latest when it is subtracted from.
TEST(Sleep, UntilTheBeginningOfTimeIsShort) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  struct Stop final : Message {
    explicit Stop(Executor& executor_in) : executor(executor_in) {}
    void run() noexcept override {
      executor.stop();
      executor.release();
    }
    Executor& executor;
  };
  Stop stop(loop.executor());
  std::binary_semaphore slept{0};
  loop.executor().hold();
  std::thread rescuer([&] {
    static_cast<void>(slept.try_acquire_for(2s));
    loop.executor().post(stop);
  });
  bool woke = false;
  loop.run([&]() -> Task<void> {
    woke = (co_await sleep_until(TimePoint::min())).has_value();
    slept.release();
  }());
  rescuer.join();
  EXPECT_TRUE(woke);
}

TEST(Sleep, EndsInTheOrderOfTheDeadlines) {
  Loop loop(kSmallRing, {}, {.resumes_per_turn = 1000});  // all go to sleep in the same turn
  std::vector<int> order;
  const TimePoint base = loop.reactor().read_clock();
  const auto sleeper = [&order, base](int number) -> Task<void> {
    EXPECT_TRUE(co_await sleep_until(base + number * 10us));
    order.push_back(number);
  };
  for (int number = 0; number < 500; ++number) {
    loop.spawn(sleeper((number * 263) % 500));
  }
  loop.run();
  ASSERT_EQ(order.size(), 500U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

Task<void> cancel_soon(CancelScope& scope) {
  co_await yield();
  co_await yield();
  scope.cancel();
}

// Whether a sleep was still going on when it was cancelled.
template <class Sleep>
bool is_cut_short(Sleep make_sleep) {
  Loop loop;
  bool cut_short = false;
  loop.run([&]() -> Task<void> {
    TaskScope others(co_await current_context());
    CancelScope scope;
    others.spawn(cancel_soon(scope));
    const auto sleep = [&]() -> Task<Result<void>> { co_return co_await make_sleep(); };
    const auto slept = co_await sleep().within(scope);
    cut_short = !slept && is_cancelled(slept.error());
    co_await others.join();
  }());
  return cut_short;
}

TEST(Sleep, IsCancelled) {
  EXPECT_TRUE(is_cut_short([] { return sleep_for(1h); }));
  EXPECT_TRUE(is_cut_short([] { return sleep_for(24h * 365 * 100); }));
}

TEST(Sleep, ForEverLastsUntilItIsCancelled) {
  EXPECT_TRUE(is_cut_short([] { return sleep_until(kNever); }));
  EXPECT_TRUE(is_cut_short([] { return sleep_for(Duration::max()); }));
}

TEST(Sleep, InACancelledScopeDoesNotBegin) {
  Loop loop;
  loop.executor().stop();
  loop.run([]() -> Task<void> { EXPECT_FALSE(co_await sleep_for(1h)); }());
}

class DeadlineTest : public ::testing::Test {
 protected:
  [[nodiscard]] TimePoint now() { return loop_.executor().now(); }
  /// Receives, within the deadline, from a socket that nobody sends to.
  Task<bool> is_ended(Deadline& deadline) {
    std::array<std::byte, 8> buffer;
    const auto got = co_await pair_.near.receive(buffer).within(deadline.scope());
    co_return !got && is_cancelled(got.error());
  }
  Task<void> send_later(Duration delay) {
    EXPECT_TRUE(co_await sleep_for(delay));
    put(pair_.far.fd(), "x");
  }
  Loop loop_;
  Pair pair_ = socket_pair();
};

TEST_F(DeadlineTest, EndsWhatIsAwaitedWithinIt) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    EXPECT_FALSE(deadline.has_expired());
    const TimePoint when = now() + 5ms;
    deadline.set(when);
    EXPECT_TRUE(co_await is_ended(deadline));
    EXPECT_TRUE(deadline.has_expired());
    EXPECT_GE(now(), when);
  }());
}

TEST_F(DeadlineTest, CanBePushedBackAgainAndAgain) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    const TimePoint first = now() + 3ms;
    for (int count = 0; count < 100; ++count) {
      deadline.set(first + count * 100us);
    }
    EXPECT_TRUE(co_await is_ended(deadline));
    EXPECT_GE(now(), first + 99 * 100us);
  }());
  EXPECT_LE(loop_.executor().metrics().timers_expired.value(), 3U)
      << "moving a deadline back costs the heap nothing";
}

TEST_F(DeadlineTest, PushedBackWhileItIsAwaitedLastsLonger) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    TaskScope others(co_await current_context());
    deadline.set(now() + 5ms);
    others.spawn([](Deadline& moved, TimePoint when) -> Task<void> {
      co_await yield();
      moved.set(when);
    }(deadline, now() + 1h));
    others.spawn(send_later(15ms));
    EXPECT_FALSE(co_await is_ended(deadline)) << "the byte came within the hour";
    EXPECT_FALSE(deadline.has_expired());
    co_await others.join();
  }());
}

TEST_F(DeadlineTest, CanBeBroughtForward) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    deadline.set(now() + 1h);
    deadline.set(now() + 2h);
    deadline.set(now() + 3ms);
    EXPECT_TRUE(co_await is_ended(deadline));
  }());
}

TEST_F(DeadlineTest, ClearedNeverExpires) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    TaskScope others(co_await current_context());
    deadline.set(now() + 3ms);
    deadline.clear();
    others.spawn(send_later(10ms));
    EXPECT_FALSE(co_await is_ended(deadline));
    EXPECT_FALSE(deadline.has_expired());
    co_await others.join();
    deadline.set(now() + 3ms);
    EXPECT_TRUE(co_await is_ended(deadline)) << "set again after the armed timer came due";
  }());
}

TEST_F(DeadlineTest, ClearedAndSetAgainExpiresWhenItIsSetTo) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    deadline.set(now() + 1h);
    deadline.clear();
    const TimePoint when = now() + 3ms;
    deadline.set(when);
    EXPECT_TRUE(co_await is_ended(deadline));
    EXPECT_GE(now(), when);
  }());
}

TEST_F(DeadlineTest, SetAfterItExpiredStartsAfresh) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    for (int round = 0; round < 5; ++round) {
      deadline.set(now() + 1ms);
      EXPECT_FALSE(deadline.has_expired());
      EXPECT_TRUE(co_await is_ended(deadline));
      EXPECT_TRUE(deadline.has_expired());
    }
    deadline.set(now() + 1h);
    put(pair_.far.fd(), "x");
    EXPECT_FALSE(co_await is_ended(deadline));
  }());
}

TEST_F(DeadlineTest, ThatNeverComesEndsNothing) {
  loop_.run([&]() -> Task<void> {
    Deadline deadline(co_await current_context());
    deadline.set(kNever);
    put(pair_.far.fd(), "x");
    EXPECT_FALSE(co_await is_ended(deadline));
    deadline.set(now() + 1ms);
    EXPECT_TRUE(co_await is_ended(deadline));
  }());
}

TEST_F(DeadlineTest, ACancelFromAboveIsNoExpiry) {
  loop_.run([&]() -> Task<void> {
    CancelScope above;
    TaskScope others(co_await current_context());
    others.spawn(cancel_soon(above));
    Deadline deadline({&loop_.executor(), &above});
    deadline.set(now() + 1h);
    EXPECT_TRUE(co_await is_ended(deadline));
    EXPECT_FALSE(deadline.has_expired());
    deadline.set(now() + 2h);
    EXPECT_TRUE(co_await is_ended(deadline)) << "what is above stays cancelled";
    co_await others.join();
  }());
}

TEST_F(DeadlineTest, SetAfterItExpiredBelowACancelledScopeStaysCancelled) {
  loop_.run([&]() -> Task<void> {
    CancelScope above;
    Deadline deadline({&loop_.executor(), &above});
    deadline.set(now());
    EXPECT_TRUE(co_await is_ended(deadline));
    above.cancel();
    deadline.set(now() + 1h);
    EXPECT_FALSE(deadline.has_expired());
    EXPECT_TRUE(co_await is_ended(deadline));
  }());
}

TEST_F(DeadlineTest, ThatGoesWhileItIsArmedIsForgotten) {
  loop_.run([&]() -> Task<void> {
    for (int round = 0; round < 100; ++round) {
      Deadline deadline(co_await current_context());
      deadline.set(now() + 100us);
    }
    EXPECT_TRUE(co_await sleep_for(1ms));
  }());
  EXPECT_EQ(loop_.executor().metrics().timers_expired.value(), 1U);
}

}  // namespace
}  // namespace sluice::runtime_test
