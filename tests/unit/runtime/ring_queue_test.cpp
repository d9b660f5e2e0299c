#include <sluice/detail/ring_queue.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace sluice::detail {
namespace {

TEST(RingQueue, IsEmptyAtFirst) {
  const RingQueue<int> queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
}

TEST(RingQueue, BehavesLikeADeque) {
  std::mt19937 random(20240229);
  RingQueue<int> queue;
  std::deque<int> model;
  for (int step = 0; step < 100'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        queue.push_back(step);
        model.push_back(step);
        break;
      case 3:
        queue.push_front(step);
        model.push_front(step);
        break;
      case 4:
        if (step % 500 == 0) {
          const auto is_odd = [](int number) { return number % 2 != 0; };
          queue.remove_if(is_odd);
          std::erase_if(model, is_odd);
        }
        break;
      default:
        if (!model.empty()) {
          queue.pop_front();
          model.pop_front();
        }
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), model.empty());
    if (!model.empty()) {
      ASSERT_EQ(queue.front(), model.front());
    }
  }
}

TEST(RingQueue, KeepsTheOrderWhenItGrowsInTheMiddle) {
  RingQueue<int> queue;
  for (int number = 0; number < 16; ++number) {
    queue.push_back(number);
  }
  for (int number = 0; number < 9; ++number) {
    queue.pop_front();
  }
  for (int number = 16; number < 100; ++number) {
    queue.push_back(number);
  }
  for (int number = 9; number < 100; ++number) {
    ASSERT_EQ(queue.front(), number);
    queue.pop_front();
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace sluice::detail
