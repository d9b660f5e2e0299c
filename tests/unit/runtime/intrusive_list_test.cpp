#include <sluice/detail/intrusive_list.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::detail {
namespace {

struct Item : ListNode {
  explicit Item(int value_in = 0) : value(value_in) {}
  int value;
};

std::vector<int> drain(IntrusiveList<Item>& list) {
  std::vector<int> values;
  while (Item* item = list.pop_front()) {
    EXPECT_FALSE(item->is_linked());
    values.push_back(item->value);
  }
  return values;
}

std::vector<int> values_of(IntrusiveList<Item>& list) {
  std::vector<int> values;
  list.for_each([&values](Item& item) { values.push_back(item.value); });
  return values;
}

TEST(IntrusiveList, GivesBackInOrder) {
  IntrusiveList<Item> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
  Item one(1);
  Item two(2);
  Item three(3);
  list.push_back(one);
  list.push_back(two);
  list.push_back(three);
  EXPECT_FALSE(list.empty());
  EXPECT_TRUE(two.is_linked());
  EXPECT_EQ(drain(list), (std::vector{1, 2, 3}));
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, AnItemLeavesFromAnyPlace) {
  for (std::size_t leaver = 0; leaver < 4; ++leaver) {
    IntrusiveList<Item> list;
    std::deque<Item> items;
    std::vector<int> rest;
    for (int value = 0; value < 4; ++value) {
      list.push_back(items.emplace_back(value));
      if (static_cast<std::size_t>(value) != leaver) {
        rest.push_back(value);
      }
    }
    items[leaver].unlink();
    EXPECT_FALSE(items[leaver].is_linked());
    items[leaver].unlink();
    EXPECT_EQ(drain(list), rest);
  }
}

TEST(IntrusiveList, AnItemThatIsDestroyedHasLeft) {
  IntrusiveList<Item> list;
  Item first(1);
  auto second = std::make_unique<Item>(2);
  Item third(3);
  list.push_back(first);
  list.push_back(*second);
  list.push_back(third);
  second.reset();
  EXPECT_EQ(drain(list), (std::vector{1, 3}));
}

TEST(IntrusiveList, AListThatIsDestroyedLetsItsItemsGo) {
  Item item(1);
  auto list = std::make_unique<IntrusiveList<Item>>();
  list->push_back(item);
  list.reset();
  EXPECT_FALSE(item.is_linked());
  IntrusiveList<Item> other;
  other.push_back(item);
  EXPECT_EQ(drain(other), std::vector{1});
}

TEST(IntrusiveList, SplicingMovesAllToTheEnd) {
  for (const auto& [here, there] : {std::pair{0, 0}, {0, 3}, {3, 0}, {2, 3}, {1, 1}}) {
    std::deque<Item> items;
    IntrusiveList<Item> list;
    IntrusiveList<Item> other;
    std::vector<int> all;
    for (int value = 0; value < here + there; ++value) {
      (value < here ? list : other).push_back(items.emplace_back(value));
      all.push_back(value);
    }
    list.splice_back(other);
    EXPECT_TRUE(other.empty());
    EXPECT_EQ(drain(list), all) << here << " and " << there;
  }
}

TEST(IntrusiveList, AVisitorMayUnlinkWhatItSees) {
  IntrusiveList<Item> list;
  std::deque<Item> items;
  for (int value = 0; value < 6; ++value) {
    list.push_back(items.emplace_back(value));
  }
  list.for_each([](Item& item) {
    if (item.value % 2 == 0) {
      item.unlink();
    }
  });
  EXPECT_EQ(drain(list), (std::vector{1, 3, 5}));
}

TEST(IntrusiveList, BehavesLikeAStandardList) {
  std::mt19937 random(7);
  std::vector<std::optional<Item>> items(40);
  std::list<int> expected[2];
  IntrusiveList<Item> lists[2];
  for (int step = 0; step < 50'000; ++step) {
    const auto which = static_cast<int>(random() % items.size());
    auto& item = items[static_cast<std::size_t>(which)];
    const auto side = random() % 2;
    const auto forget = [&] {
      expected[0].remove(which);
      expected[1].remove(which);
    };
    switch (random() % 5) {
      case 0:
      case 1:
        forget();
        item.emplace(which);  // destroys the old one, which leaves its list
        lists[side].push_back(*item);
        expected[side].push_back(which);
        break;
      case 2:
        if (item) {
          item->unlink();
        }
        forget();
        break;
      case 3: {
        const Item* first = lists[side].pop_front();
        ASSERT_EQ(first == nullptr, expected[side].empty());
        if (first != nullptr) {
          ASSERT_EQ(first->value, expected[side].front());
          expected[side].pop_front();
        }
        break;
      }
      default:
        lists[side].splice_back(lists[1 - side]);
        expected[side].splice(expected[side].end(), expected[1 - side]);
    }
    ASSERT_TRUE(std::ranges::equal(values_of(lists[0]), expected[0])) << step;
    ASSERT_TRUE(std::ranges::equal(values_of(lists[1]), expected[1])) << step;
  }
}

}  // namespace
}  // namespace sluice::detail
