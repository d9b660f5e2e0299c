#include <sluice/detail/slot_table.hpp>

#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::detail {
namespace {

// A slot counts as taken once it has a state, which its user gives it.
OperationId take(SlotTable& table) {
  const OperationId id = table.acquire().id;
  if (id) {
    table.at(id.slot).state = Slot::State::in_flight;
  }
  return id;
}

TEST(OperationIds, SurviveTheTripThroughUserData) {
  for (const OperationId id : {OperationId{0, 1}, OperationId{1, 0}, OperationId{7, 0xffffffff},
                               OperationId{0xffffffff, 3}, OperationId{123456, 987654321}}) {
    EXPECT_EQ(OperationId::from_user_data(id.to_user_data()), id);
  }
  EXPECT_FALSE(OperationId{});
  EXPECT_FALSE((OperationId{5, 0}));
  EXPECT_TRUE((OperationId{0, 1}));
}

TEST(SlotTable, HandsOutDifferentIdsUpToItsLimit) {
  for (const std::uint32_t limit : {0U, 1U, 5U, 1023U, 1024U, 1025U, 3000U}) {
    SlotTable table(limit);
    std::set<std::uint64_t> ids;
    for (std::uint32_t count = 0; count < limit; ++count) {
      const OperationId id = take(table);
      ASSERT_TRUE(id) << count << " of " << limit;
      EXPECT_NE(id.to_user_data(), 0U);
      ids.insert(id.to_user_data());
    }
    EXPECT_EQ(ids.size(), limit);
    EXPECT_EQ(table.in_use(), limit);
    EXPECT_EQ(table.acquire().slot, nullptr) << "beyond the limit of " << limit;
    EXPECT_EQ(table.in_use(), limit);
    EXPECT_EQ(table.size(), limit);
  }
}

TEST(SlotTable, AFreedSlotComesBackUnderAnotherId) {
  SlotTable table(1);
  const OperationId first = take(table);
  table.release(first, table.at(first.slot));
  EXPECT_EQ(table.find(first), nullptr);
  const OperationId second = take(table);
  ASSERT_TRUE(second);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_NE(table.find(second), nullptr);
}

TEST(SlotTable, IdsThatWereNeverHandedOutNameNothing) {
  SlotTable table(10);
  const OperationId id = take(table);
  EXPECT_EQ(table.find({}), nullptr);
  EXPECT_EQ(table.find({id.slot, id.generation + 1}), nullptr);
  EXPECT_EQ(table.find({id.slot, id.generation - 1}), nullptr);
  EXPECT_EQ(table.find({id.slot + 1, id.generation}), nullptr);
  EXPECT_EQ(table.find({kNoSlot, 1}), nullptr);
  EXPECT_EQ(table.find({10, 1}), nullptr);
  EXPECT_EQ(table.find({0xfffffffe, 0xffffffff}), nullptr);
}

TEST(SlotTable, AReleasedSlotForgetsItsOperation) {
  SlotTable table(1);
  const OperationId first = take(table);
  Slot& slot = table.at(first.slot);
  slot.cancel_requested = true;
  table.release(first, table.at(first.slot));
  const OperationId second = take(table);
  EXPECT_FALSE(table.find(second)->cancel_requested);
  EXPECT_EQ(table.find(second)->waker, nullptr);
}

TEST(SlotTable, SlotsDoNotMoveWhileTheTableGrows) {
  SlotTable table(5000);
  std::vector<std::pair<OperationId, Slot*>> taken;
  for (int count = 0; count < 5000; ++count) {
    const OperationId id = take(table);
    taken.emplace_back(id, table.find(id));
  }
  for (const auto& [id, slot] : taken) {
    ASSERT_EQ(table.find(id), slot);
  }
}

TEST(SlotTable, BehavesLikeAMapOfWhatIsTaken) {
  constexpr std::uint32_t kLimit = 1100;
  SlotTable table(kLimit);
  std::vector<OperationId> taken;
  std::set<std::uint64_t> ever;
  std::vector<OperationId> stale;
  std::mt19937 random(3);
  for (int step = 0; step < 60'000; ++step) {
    // Long waves of more taking and more releasing, so that both ends are reached.
    const bool takes = random() % 100 < (step / 5000 % 2 == 0 ? 80U : 20U);
    if (takes) {
      const OperationId id = take(table);
      ASSERT_EQ(static_cast<bool>(id), taken.size() < kLimit);
      if (id) {
        ASSERT_TRUE(ever.insert(id.to_user_data()).second) << "an id came twice";
        taken.push_back(id);
      }
    } else if (!taken.empty()) {
      std::swap(taken[random() % taken.size()], taken.back());
      table.release(taken.back(), table.at(taken.back().slot));
      stale.push_back(taken.back());
      taken.pop_back();
    }
    ASSERT_EQ(table.in_use(), taken.size());
    if (!stale.empty()) {
      ASSERT_EQ(table.find(stale[random() % stale.size()]), nullptr);
    }
    if (!taken.empty()) {
      ASSERT_NE(table.find(taken[random() % taken.size()]), nullptr);
    }
  }
  EXPECT_LE(table.size(), kLimit);
}

}  // namespace
}  // namespace sluice::detail
