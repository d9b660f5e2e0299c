#include <sluice/detail/timer_heap.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::detail {
namespace {

class Timer final : public TimerNode {
 public:
  explicit Timer(std::function<void(Timer&)> then = {}) : then_(std::move(then)) {}
  void on_expired() noexcept override {
    EXPECT_FALSE(is_armed());
    ++expired;
    if (then_) {
      then_(*this);
    }
  }
  int expired = 0;

 private:
  std::function<void(Timer&)> then_;
};

TimePoint at(int ns) { return TimePoint(Duration(ns)); }

TEST(TimerHeap, IsEmptyAtFirst) {
  TimerHeap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.size(), 0U);
  EXPECT_EQ(heap.next_deadline(), kNever);
  EXPECT_EQ(heap.expire(kNever), 0U);
}

TEST(TimerHeap, ExpiresWhatIsDueNowAndNothingLater) {
  TimerHeap heap;
  Timer early;
  Timer now;
  Timer late;
  heap.arm(late, at(11));
  heap.arm(now, at(10));
  heap.arm(early, at(-5));
  EXPECT_EQ(heap.next_deadline(), at(-5));
  EXPECT_EQ(heap.expire(at(10)), 2U);
  EXPECT_EQ(early.expired, 1);
  EXPECT_EQ(now.expired, 1);
  EXPECT_EQ(late.expired, 0);
  EXPECT_TRUE(late.is_armed());
  EXPECT_EQ(heap.next_deadline(), at(11));
  heap.disarm(late);
  EXPECT_FALSE(late.is_armed());
}

TEST(TimerHeap, ArmingAgainMovesTheDeadlineEitherWay) {
  TimerHeap heap;
  Timer moved;
  Timer other;
  heap.arm(moved, at(10));
  heap.arm(other, at(20));
  heap.arm(moved, at(30));
  EXPECT_EQ(heap.size(), 2U);
  EXPECT_EQ(moved.deadline(), at(30));
  EXPECT_EQ(heap.next_deadline(), at(20));
  heap.arm(moved, at(5));
  EXPECT_EQ(heap.next_deadline(), at(5));
  EXPECT_EQ(heap.expire(at(5)), 1U);
  EXPECT_EQ(moved.expired, 1);
  heap.disarm(other);
}

TEST(TimerHeap, DisarmingWhatIsNotArmedDoesNothing) {
  TimerHeap heap;
  Timer timer;
  heap.disarm(timer);
  heap.arm(timer, at(1));
  heap.disarm(timer);
  heap.disarm(timer);
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.expire(kNever), 0U);
  EXPECT_EQ(timer.expired, 0);
}

TEST(TimerHeap, ATimerThatExpiresMayDisarmOthersThatAreDueToo) {
  TimerHeap heap;
  Timer second;
  Timer first([&](Timer&) { heap.disarm(second); });
  heap.arm(second, at(2));
  heap.arm(first, at(1));
  EXPECT_EQ(heap.expire(at(5)), 1U);
  EXPECT_EQ(second.expired, 0);
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, WhatIsArmedWhileOthersExpireIsExpiredWhenDueAndKeptWhenNot) {
  TimerHeap heap;
  Timer due;
  Timer repeating([&](Timer& self) {
    heap.arm(self, at(100));
    heap.arm(due, at(3));
  });
  heap.arm(repeating, at(1));
  EXPECT_EQ(heap.expire(at(5)), 2U);
  EXPECT_EQ(due.expired, 1);
  EXPECT_EQ(repeating.expired, 1);
  EXPECT_TRUE(repeating.is_armed());
  heap.disarm(repeating);
}

TEST(TimerHeap, ADeadlineThatNeverComesIsNotDue) {
  TimerHeap heap;
  Timer timer;
  heap.arm(timer, kNever);
  EXPECT_EQ(heap.next_deadline(), kNever);
  EXPECT_EQ(heap.expire(kNever - Duration(1)), 0U);
  heap.disarm(timer);
}

// A heap beside the dullest correct thing: a sorted map.
class Model {
 public:
  explicit Model(std::size_t count) : timers_(count), random_(count) {}

  void step() {
    const std::size_t which = random_() % timers_.size();
    switch (random_() % 8) {
      case 0:
      case 1:
        heap_.disarm(timers_[which]);
        expected_.erase(which);
        break;
      case 2:
        expire();
        break;
      default: {
        // Few different deadlines, so that many are equal; some lie in the past.
        const TimePoint deadline = now_ + Duration(static_cast<int>(random_() % 64) - 4);
        heap_.arm(timers_[which], deadline);
        expected_[which] = deadline;
      }
    }
    check();
  }
  void finish() {
    for (Timer& timer : timers_) {
      heap_.disarm(timer);
    }
    EXPECT_TRUE(heap_.empty());
  }

 private:
  void expire() {
    now_ += Duration(random_() % 16);
    std::vector<int> before;
    for (const Timer& timer : timers_) {
      before.push_back(timer.expired);
    }
    std::size_t due = 0;
    for (std::size_t index = 0; index < timers_.size(); ++index) {
      const auto found = expected_.find(index);
      if (found != expected_.end() && found->second <= now_) {
        ++before[index];
        ++due;
        expected_.erase(found);
      }
    }
    ASSERT_EQ(heap_.expire(now_), due);
    for (std::size_t index = 0; index < timers_.size(); ++index) {
      ASSERT_EQ(timers_[index].expired, before[index]);
    }
  }
  void check() {
    TimePoint earliest = kNever;
    for (const auto& [which, deadline] : expected_) {
      earliest = std::min(earliest, deadline);
      ASSERT_TRUE(timers_[which].is_armed());
      ASSERT_EQ(timers_[which].deadline(), deadline);
    }
    ASSERT_EQ(heap_.size(), expected_.size());
    ASSERT_EQ(heap_.next_deadline(), earliest);
  }

  std::deque<Timer> timers_;
  std::map<std::size_t, TimePoint> expected_;
  TimerHeap heap_;
  TimePoint now_ = at(0);
  std::mt19937 random_;
};

TEST(TimerHeap, BehavesLikeASortedMap) {
  for (const std::size_t count : {1U, 2U, 3U, 7U, 50U}) {
    Model model(count);
    for (int step = 0; step < 10'000 && !::testing::Test::HasFatalFailure(); ++step) {
      model.step();
    }
    model.finish();
  }
}

TEST(TimerHeap, ExpiresInTheOrderOfTheDeadlines) {
  TimerHeap heap;
  std::mt19937 random(1);
  std::vector<TimePoint> order;
  const auto note = [&order](Timer& timer) { order.push_back(timer.deadline()); };
  std::deque<Timer> timers;
  for (int count = 0; count < 1000; ++count) {
    heap.arm(timers.emplace_back(note), at(static_cast<int>(random() % 500)));
  }
  EXPECT_EQ(heap.expire(at(500)), 1000U);
  EXPECT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace sluice::detail
