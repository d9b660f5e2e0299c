#include <sluice/metrics.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// Bounds with everything that could mislead a search by bit width: zero, neighbours, long gaps,
// several bounds of one width, and the two largest values there are.
constexpr std::array<std::uint64_t, 12> kOddBounds = {
    0, 1, 2, 3, 64, 65, 127, 1000, 1001, std::uint64_t{1} << 63, kMost - 1, kMost};
using OddHistogram = Histogram<kOddBounds.size(), kOddBounds>;
constexpr std::array<std::uint64_t, 1> kOneBound = {1000};
using OneBoundHistogram = Histogram<kOneBound.size(), kOneBound>;

std::size_t bucket_by_search(std::span<const std::uint64_t> bounds, std::uint64_t value) {
  std::size_t bucket = 0;
  while (bucket < bounds.size() && value > bounds[bucket]) {
    ++bucket;
  }
  return bucket;
}

std::set<std::uint64_t> values_worth_trying(std::span<const std::uint64_t> bounds) {
  std::set<std::uint64_t> values = {0, 1, kMost, kMost - 1};
  const auto add_with_neighbours = [&values](std::uint64_t value) {
    values.insert({value - 1, value, value + 1});  // wraps at the ends, which are worth trying too
  };
  for (const std::uint64_t bound : bounds) {
    add_with_neighbours(bound);
  }
  std::mt19937_64 random(20240229);
  for (unsigned width = 0; width < 64; ++width) {
    add_with_neighbours(std::uint64_t{1} << width);
    for (int count = 0; count < 50; ++count) {
      values.insert(random() >> width);
    }
  }
  return values;
}

template <class Observed>
class AnyHistogram : public ::testing::Test {};
using Histograms =
    ::testing::Types<LatencyHistogram, DepthHistogram, OddHistogram, OneBoundHistogram>;
TYPED_TEST_SUITE(AnyHistogram, Histograms);

TYPED_TEST(AnyHistogram, PutsEveryValueIntoTheBucketItsBoundsSay) {
  TypeParam histogram;
  std::vector<std::uint64_t> expected(TypeParam::kBucketCount);
  for (const std::uint64_t value : values_worth_trying(TypeParam::bounds())) {
    histogram.observe(value);
    ++expected[bucket_by_search(TypeParam::bounds(), value)];
    for (std::size_t bucket = 0; bucket < expected.size(); ++bucket) {
      ASSERT_EQ(histogram.bucket(bucket), expected[bucket])
          << "bucket " << bucket << " after " << value;
    }
  }
}

TYPED_TEST(AnyHistogram, CountIsTheSumOfTheBucketsAndSumTheSumOfTheValues) {
  TypeParam histogram;
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  for (const std::uint64_t value : values_worth_trying(TypeParam::bounds())) {
    histogram.observe(value);
    ++count;
    sum += value;
  }
  std::uint64_t in_buckets = 0;
  for (std::size_t bucket = 0; bucket < TypeParam::kBucketCount; ++bucket) {
    in_buckets += histogram.bucket(bucket);
  }
  EXPECT_EQ(histogram.count(), count);
  EXPECT_EQ(in_buckets, count);
  EXPECT_EQ(histogram.sum(), sum);
}

TYPED_TEST(AnyHistogram, BoundsAscend) {
  const auto bounds = TypeParam::bounds();
  EXPECT_EQ(bounds.size() + 1, TypeParam::kBucketCount);
  EXPECT_EQ(std::ranges::adjacent_find(bounds, std::greater_equal<>()), bounds.end());
}

TYPED_TEST(AnyHistogram, IsEmptyAtFirst) {
  const TypeParam histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.sum(), 0U);
}

TEST(LatencyBounds, GoFromAMicrosecondToSeventySecondsWithSixADecade) {
  EXPECT_EQ(kLatencyBoundsNs.front(), 1'000U);
  EXPECT_EQ(kLatencyBoundsNs.back(), 70'000'000'000U);
  EXPECT_EQ(kLatencyBoundsNs[5], 7'000U);
  EXPECT_EQ(kLatencyBoundsNs[6], 10'000U);
  for (std::size_t index = 6; index < kLatencyBoundsNs.size(); ++index) {
    EXPECT_EQ(kLatencyBoundsNs[index], 10 * kLatencyBoundsNs[index - 6]) << index;
  }
  for (std::size_t index = 1; index < kLatencyBoundsNs.size(); ++index) {
    EXPECT_LE(kLatencyBoundsNs[index] * 10, kLatencyBoundsNs[index - 1] * 17) << index;
  }
}

TEST(DepthBounds, ArePowersOfTwo) {
  EXPECT_EQ(kDepthBounds.front(), 1U);
  EXPECT_EQ(kDepthBounds.back(), 32768U);
  for (std::size_t index = 1; index < kDepthBounds.size(); ++index) {
    EXPECT_EQ(kDepthBounds[index], 2 * kDepthBounds[index - 1]);
  }
}

TEST(LatencyHistogramOfDurations, TakesNanosecondsAndCountsAClockThatWentBackAsZero) {
  LatencyHistogram histogram;
  observe(histogram, std::chrono::microseconds(1));
  observe(histogram, std::chrono::nanoseconds(1001));
  observe(histogram, std::chrono::nanoseconds(-5));
  observe(histogram, Duration::min());
  observe(histogram, Duration::max());
  EXPECT_EQ(histogram.bucket(0), 3U);
  EXPECT_EQ(histogram.bucket(1), 1U);
  EXPECT_EQ(histogram.bucket(LatencyHistogram::kBucketCount - 1), 1U);
  EXPECT_EQ(histogram.count(), 5U);
}

TEST(Counters, GrowAndWrapLikeUnsignedNumbers) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0U);
  counter.add();
  counter.add(41);
  counter.add(0);
  EXPECT_EQ(counter.value(), 42U);
  counter.add(kMost);
  EXPECT_EQ(counter.value(), 41U);
}

TEST(Gauges, GoBelowZeroAndBack) {
  Gauge gauge;
  gauge.add(-3);
  EXPECT_EQ(gauge.value(), -3);
  gauge.add();
  EXPECT_EQ(gauge.value(), -2);
  gauge.set(7);
  EXPECT_EQ(gauge.value(), 7);
}

TEST(Gauges, AGuardGivesBackWhatItCounted) {
  Gauge gauge;
  {
    const GaugeGuard outer(gauge);
    const GaugeGuard inner(gauge);
    EXPECT_EQ(gauge.value(), 2);
  }
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Metrics, OthersReadWhatOneThreadWritesAndNeverSeeItGoBack) {
  constexpr std::uint64_t kWrites = 200'000;
  Counter counter;
  const auto histogram = std::make_unique<DepthHistogram>();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::uint64_t index = 0; index < kWrites; ++index) {
      counter.add();
      histogram->observe(index);
    }
    done = true;
  });
  std::uint64_t last_count = 0;
  std::uint64_t last_observed = 0;
  while (!done) {
    const std::uint64_t count = counter.value();
    const std::uint64_t observed = histogram->count();
    ASSERT_GE(count, last_count);
    ASSERT_GE(observed, last_observed);
    last_count = count;
    last_observed = observed;
  }
  writer.join();
  EXPECT_EQ(counter.value(), kWrites);
  EXPECT_EQ(histogram->count(), kWrites);
}

}  // namespace
}  // namespace sluice
