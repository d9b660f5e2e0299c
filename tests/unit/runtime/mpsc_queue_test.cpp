#include <sluice/detail/mpsc_queue.hpp>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::detail {
namespace {

struct Item : MpscNode {
  std::size_t producer = 0;
  std::size_t number = 0;
};

TEST(MpscQueue, GivesEverythingInTheOrderOfPushing) {
  MpscQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_all(), nullptr);
  std::vector<Item> items(5);
  for (std::size_t index = 0; index < items.size(); ++index) {
    items[index].number = index;
    EXPECT_EQ(queue.push(items[index]), index == 0);
    EXPECT_FALSE(queue.empty());
  }
  MpscNode* node = queue.take_all();
  EXPECT_TRUE(queue.empty());
  for (std::size_t index = 0; index < items.size(); ++index, node = node->next) {
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(static_cast<Item*>(node)->number, index);
  }
  EXPECT_EQ(node, nullptr);
}

TEST(MpscQueue, ANodeThatWasTakenCanBePushedAgain) {
  MpscQueue queue;
  Item item;
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(queue.push(item));
    ASSERT_EQ(queue.take_all(), &item);
    EXPECT_EQ(item.next, nullptr);
  }
}

TEST(MpscQueue, ManyProducersLoseNothingAndKeepTheirOrder) {
  constexpr std::size_t kProducers = 4;
  constexpr std::size_t kEach = 30'000;
  MpscQueue queue;
  std::vector<std::vector<Item>> items(kProducers, std::vector<Item>(kEach));
  std::atomic<std::size_t> found_empty{0};
  std::vector<std::thread> producers;
  for (std::size_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      for (std::size_t number = 0; number < kEach; ++number) {
        Item& item = items[producer][number];
        item.producer = producer;
        item.number = number;
        found_empty += queue.push(item) ? 1 : 0;
      }
    });
  }
  std::vector<std::size_t> next(kProducers);
  std::size_t taken = 0;
  std::size_t batches = 0;
  bool in_order = true;
  while (taken < kProducers * kEach) {
    MpscNode* node = queue.take_all();
    batches += node != nullptr ? 1 : 0;
    while (node != nullptr) {
      const Item& item = *static_cast<Item*>(node);
      node = node->next;
      in_order = in_order && item.number == next[item.producer]++;
      ++taken;
    }
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_TRUE(in_order);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(next, std::vector<std::size_t>(kProducers, kEach));
  // Each batch began with the one push that found the queue empty.
  EXPECT_EQ(found_empty, batches);
}

}  // namespace
}  // namespace sluice::detail
