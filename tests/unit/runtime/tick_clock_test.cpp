#include <sluice/tick_clock.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart = TimePoint(1h);
constexpr std::uint64_t kFirstTicks = 123'456'789'012;

// A kernel and a processor, moved on by hand.
class TickClockTest : public ::testing::Test {
 protected:
  // What a ring's clock does, with these in the place of the machine's.
  TimePoint read() {
    const TimePoint told = clock_.covers(ticks_) ? clock_.at(ticks_) : clock_.anchor(ticks_, time_);
    EXPECT_GE(told, last_) << "it went backwards";
    last_ = told;
    return told;
  }
  void pass(Duration elapsed, double ticks_per_ns = 2.6) {
    time_ += elapsed;
    const double ticks = static_cast<double>(elapsed.count()) * ticks_per_ns + rest_of_tick_;
    ticks_ += static_cast<std::uint64_t>(ticks);
    rest_of_tick_ = ticks - std::floor(ticks);
  }
  // Until it has measured the rate twice.
  void warm_up(double ticks_per_ns = 2.6) {
    for (int turn = 0; turn < 400; ++turn) {
      read();
      pass(10us, ticks_per_ns);
    }
  }
  Duration apart() { return read() - time_; }

  TickClock clock_;
  std::uint64_t ticks_ = kFirstTicks;
  double rest_of_tick_ = 0;
  TimePoint time_ = kStart;
  TimePoint last_{};
};

TEST_F(TickClockTest, AsksTheKernelUntilTwoMeasurementsAgree) {
  for (int turn = 0; turn < 200; ++turn) {
    EXPECT_FALSE(clock_.covers(ticks_));
    EXPECT_EQ(read(), time_);
    pass(10us);
  }
  read();
  pass(10us);
  EXPECT_TRUE(clock_.covers(ticks_));
}

TEST_F(TickClockTest, IsBehindTheKernelByLittleBetweenTwoReadings) {
  for (const double rate : {0.6, 1.0, 2.6, 5.0}) {
    SCOPED_TRACE(rate);
    clock_ = TickClock();
    last_ = {};
    warm_up(rate);
    int covered = 0;
    for (int turn = 0; turn < 5000; ++turn) {
      pass(777ns, rate);
      covered += clock_.covers(ticks_) ? 1 : 0;
      const Duration difference = apart();
      ASSERT_LE(difference, 0ns);
      ASSERT_GT(difference, -TickClock::kMostApart);
    }
    EXPECT_GT(covered, 4900);
  }
}

TEST_F(TickClockTest, AsksTheKernelAgainAMillisecondLater) {
  warm_up();
  while (clock_.covers(ticks_)) {
    pass(10us);
  }
  EXPECT_EQ(read(), time_);
  pass(900us);
  EXPECT_TRUE(clock_.covers(ticks_));
  pass(110us);
  EXPECT_FALSE(clock_.covers(ticks_));
  pass(10h);
  EXPECT_FALSE(clock_.covers(ticks_));
  EXPECT_EQ(read(), time_);
}

TEST_F(TickClockTest, StaysWithinItsBoundWhileTheKernelsClockIsSteered) {
  warm_up();
  for (const double steered : {1 + 500e-6, 1 - 500e-6, 1.0}) {
    SCOPED_TRACE(steered);
    for (int turn = 0; turn < 5000; ++turn) {
      pass(999ns, 2.6 * steered);
      const Duration difference = apart();
      ASSERT_LT(difference, TickClock::kMostApart);
      ASSERT_GT(difference, -TickClock::kMostApart);
    }
  }
}

TEST_F(TickClockTest, DoesNotBelieveOneMeasurementOfAnotherRate) {
  warm_up();
  // As after a suspension: ticks went on, the clock did not.
  time_ += 2ms;
  ticks_ += 90'000'000'000;
  EXPECT_EQ(read(), time_);
  pass(10us);
  EXPECT_FALSE(clock_.covers(ticks_));
  warm_up();
  EXPECT_TRUE(clock_.covers(ticks_));
  EXPECT_LE(apart(), 0ns);
}

TEST_F(TickClockTest, NeverGoesBackwardsWhenTicksDo) {
  warm_up();
  ticks_ = 1000;
  for (int turn = 0; turn < 1000; ++turn) {
    const Duration difference = apart();
    ASSERT_GT(difference, -TickClock::kMostApart);
    ASSERT_LT(difference, 1ms);
    pass(10us);
  }
}

TEST_F(TickClockTest, NeverGoesBackwardsWhenTicksAreTooFastForOnce) {
  warm_up();
  read();
  ticks_ += 1'000'000;  // less than a millisecond
  read();
  for (int turn = 0; turn < 1000; ++turn) {
    pass(10us);
    ASSERT_LT(apart(), 1ms);
  }
  EXPECT_LE(apart(), 0ns);
}

TEST(TickClockOnThisMachine, TellsTheKernelsTimeAndNeverGoesBackwards) {
  TickClock clock;
  if (TickClock::is_usable()) {
    clock.use_ticks();
  }
  TimePoint last{};
  const TimePoint end = read_clock(CLOCK_MONOTONIC) + 20ms;
  for (TimePoint before = last; before < end;) {
    before = read_clock(CLOCK_MONOTONIC);
    const TimePoint told = clock.now();
    const TimePoint after = read_clock(CLOCK_MONOTONIC);
    ASSERT_GE(told, last);
    ASSERT_GT(told, before - TickClock::kMostApart);
    ASSERT_LT(told, after + TickClock::kMostApart);
    last = told;
  }
}

}  // namespace
}  // namespace sluice
