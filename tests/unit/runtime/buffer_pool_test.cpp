#include <sluice/buffer_pool.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(BufferPool, MakesNothingBeforeItIsAsked) {
  const BufferPool pool(4096, 4);
  EXPECT_EQ(pool.made().value(), 0);
  EXPECT_EQ(pool.in_use().value(), 0);
  EXPECT_EQ(pool.buffer_bytes(), 4096U);
}

TEST(BufferPool, GivesAlignedBuffersThatDoNotOverlap) {
  for (const std::size_t size : {1U, 100U, 4096U, 5000U, 65536U}) {
    BufferPool pool(size, 8);
    std::deque<BufferLease> leases;
    for (unsigned char fill = 0; fill < 8; ++fill) {
      auto lease = pool.take();
      ASSERT_TRUE(lease);
      ASSERT_EQ(lease->bytes().size(), size);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lease->bytes().data()) % 4096, 0U);
      std::memset(lease->bytes().data(), fill, size);
      leases.push_back(std::move(*lease));
    }
    for (unsigned char fill = 0; fill < 8; ++fill) {
      for (const std::byte byte : leases[fill].bytes()) {
        ASSERT_EQ(byte, static_cast<std::byte>(fill));
      }
    }
  }
}

TEST(BufferPool, GivesNoneWhenAllAreOut) {
  BufferPool pool(64, 2);
  auto first = pool.take();
  auto second = pool.take();
  EXPECT_FALSE(pool.take());
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(pool.exhausted().value(), 2U);
  EXPECT_EQ(pool.in_use().value(), 2);
  first.reset();
  EXPECT_EQ(pool.in_use().value(), 1);
  EXPECT_TRUE(pool.take());
  EXPECT_EQ(pool.exhausted().value(), 2U);
}

TEST(BufferPool, APoolOfNoneIsAlwaysExhausted) {
  BufferPool pool(64, 0);
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(pool.exhausted().value(), 1U);
}

TEST(BufferPool, KeepsBuffersForTheNextTaker) {
  BufferPool pool(64, 100);
  std::set<const std::byte*> seen;
  for (int round = 0; round < 50; ++round) {
    auto one = pool.take();
    auto other = pool.take();
    seen.insert(one->bytes().data());
    seen.insert(other->bytes().data());
  }
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(pool.made().value(), 2);
}

TEST(BufferLease, AnEmptyLeaseHoldsNothing) {
  BufferLease lease;
  EXPECT_FALSE(lease);
  EXPECT_TRUE(lease.bytes().empty());
  lease.give_back();
  EXPECT_FALSE(lease);
}

TEST(BufferLease, GivesBackOnce) {
  BufferPool pool(64, 2);
  BufferLease lease = *pool.take();
  lease.give_back();
  EXPECT_FALSE(lease);
  EXPECT_TRUE(lease.bytes().empty());
  lease.give_back();
  EXPECT_EQ(pool.in_use().value(), 0);
  auto one = pool.take();
  auto other = pool.take();
  EXPECT_NE(one->bytes().data(), other->bytes().data());
}

TEST(BufferLease, MovingLeavesOneHolder) {
  BufferPool pool(64, 2);
  BufferLease first = *pool.take();
  const std::byte* memory = first.bytes().data();
  BufferLease second(std::move(first));
  EXPECT_FALSE(first);
  EXPECT_EQ(second.bytes().data(), memory);
  EXPECT_EQ(pool.in_use().value(), 1);
  BufferLease third = *pool.take();
  third = std::move(second);  // gives its own back
  EXPECT_EQ(pool.in_use().value(), 1);
  EXPECT_EQ(third.bytes().data(), memory);
  BufferLease& same = third;
  third = std::move(same);
  EXPECT_EQ(third.bytes().data(), memory);
  EXPECT_EQ(pool.in_use().value(), 1);
}

}  // namespace
}  // namespace sluice
