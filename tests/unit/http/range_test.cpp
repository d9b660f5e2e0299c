#include "http/range.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

/// "ignored", "unsatisfiable", or the ranges as "first-last,first-last".
std::string describe(const RangeSelection& selection) {
  if (selection.kind() != RangeSelection::Kind::partial) {
    EXPECT_TRUE(selection.ranges().empty());
    return selection.kind() == RangeSelection::Kind::ignored ? "ignored" : "unsatisfiable";
  }
  std::string text;
  for (const ByteRange& range : selection.ranges()) {
    if (!text.empty()) text += ",";
    text += std::to_string(range.first) + "-" + std::to_string(range.last);
  }
  return text;
}

std::string select(std::string_view value, std::uint64_t length,
                   std::size_t max_ranges = RangeSelection::kUsualRanges) {
  return describe(select_ranges(value, length, max_ranges));
}

TEST(Range, ResolvesOneRangeAgainstTheLength) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"bytes=0-499", "0-499"},
      {"bytes=500-999", "500-999"},
      {"bytes=-500", "500-999"},
      {"bytes=9-", "9-999"},
      {"bytes=0-0", "0-0"},
      {"bytes=-1", "999-999"},
      {"bytes=999-999", "999-999"},
      {"bytes=0-", "0-999"},
      {"BYTES=0-1", "0-1"},
      {"bytes=007-0010", "7-10"},
      // Past the end.
      {"bytes=0-1000", "0-999"},
      {"bytes=0-999999", "0-999"},
      {"bytes=-1000", "0-999"},
      {"bytes=-1001", "0-999"},
      {"bytes=1000-", "unsatisfiable"},
      {"bytes=1000-1001", "unsatisfiable"},
      {"bytes=-0", "unsatisfiable"},
      {"bytes=-00", "unsatisfiable"},
      // Numbers around and beyond 64 bits.
      {"bytes=0-9223372036854775807", "0-999"},
      {"bytes=0-9223372036854775808", "0-999"},
      {"bytes=0-18446744073709551615", "0-999"},
      {"bytes=0-18446744073709551616", "0-999"},
      {"bytes=1-99999999999999999999", "1-999"},
      {"bytes=-9223372036854775808", "0-999"},
      {"bytes=-18446744073709551616", "0-999"},
      {"bytes=-99999999999999999999", "0-999"},
      {"bytes=9223372036854775808-", "unsatisfiable"},
      {"bytes=18446744073709551616-", "unsatisfiable"},
      {"bytes=18446744073709551616-18446744073709551617", "unsatisfiable"},
      {"bytes=99999999999999999999999-", "unsatisfiable"},
  };
  for (const auto& [value, result] : cases) EXPECT_EQ(select(value, 1000), result) << value;
}

TEST(Range, IgnoresWhatIsNotOfTheGrammar) {
  for (const std::string_view value : {"",
                                       "bytes",
                                       "bytes=",
                                       "bytes=,",
                                       "bytes= , ,",
                                       "bytes=-",
                                       "bytes=a-",
                                       "bytes=abc-xyz",
                                       "bytes=-a",
                                       "bytes=0",
                                       "bytes=0-a",
                                       "bytes=a-0",
                                       "bytes=0--1",
                                       "bytes=--1",
                                       "bytes=-1-",
                                       "bytes=0-1-2",
                                       "bytes=5-4",
                                       "bytes=18446744073709551617-18446744073709551616",
                                       "bytes=2-5,4-3",
                                       "bytes=0x1-0x2",
                                       "bytes=+0-1",
                                       "bytes=0-+1",
                                       "bytes=1 -2",
                                       "bytes=1- 2",
                                       "bytes=0-1;2-3",
                                       "bytes=0-1, junk",
                                       "bytes = 0-1",
                                       " bytes=0-1",
                                       "bytes =0-1",
                                       "bytes:0-1",
                                       "0-1",
                                       "=0-1",
                                       "items=0-5",
                                       "byte=0-5",
                                       "bytess=0-1",
                                       "bytes=0.5-1",
                                       "bytes=0-1\xB2",
                                       "bytes=18446744073709551617-5"}) {
    EXPECT_EQ(select(value, 1000), "ignored") << value;
  }
}

TEST(Range, AnEmptyFileHasNoRanges) {
  for (const std::string_view value :
       {"bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-"}) {
    EXPECT_EQ(select(value, 0), "ignored") << value;
  }
}

TEST(Range, ResolvesSeveralRangesInTheOrderAsked) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"bytes=0-0,-1", "0-0,9999-9999"},
      {"bytes=0-0 , 5000-5001,, 9000-", "0-0,5000-5001,9000-9999"},
      {"bytes=\t0-0\t,\t9000-", "0-0,9000-9999"},
      {"bytes= 0-0,9000-", "0-0,9000-9999"},
      {"bytes=9000-9001,0-0", "9000-9001,0-0"},
      {"bytes=10000-,0-0", "0-0"},
      {"bytes=-0,0-0", "0-0"},
      {"bytes=-0,10000-", "unsatisfiable"},
      // Coalesced: overlapping, adjacent, or less than 128 bytes apart.
      {"bytes=0-99,50-149", "0-149"},
      {"bytes=0-99,100-149", "0-149"},
      {"bytes=0-99,227-300", "0-300"},
      {"bytes=0-99,228-300", "0-99,228-300"},
      {"bytes=227-300,0-99", "0-300"},
      {"bytes=5-5,3-7", "3-7"},
      {"bytes=3-7,5-5", "3-7"},
      // The third joins what were two, in the place of the first.
      {"bytes=5000-5001,0-99,9000-,400-499,100-399", "5000-5001,0-499,9000-9999"},
      {"bytes=0-99,5000-5001,400-499,100-399", "0-499,5000-5001"},
  };
  for (const auto& [value, result] : cases) EXPECT_EQ(select(value, 10'000), result) << value;
}

TEST(Range, IgnoresMoreRangesThanTheCap) {
  std::string value = "bytes=0-0";
  for (int i = 1; i < 16; ++i)
    value += "," + std::to_string(1000 * i) + "-" + std::to_string(1000 * i);
  EXPECT_EQ(select_ranges(value, 100'000).ranges().size(), 16U);
  EXPECT_EQ(select(value + ",50000-", 100'000), "ignored");
  EXPECT_EQ(select(value, 100'000, 15), "ignored");
  EXPECT_EQ(select("bytes=0-0,50-", 100'000, 1), "ignored");
  EXPECT_EQ(select("bytes=0-0", 100'000, 1), "0-0");
  EXPECT_EQ(select("bytes=0-0", 100'000, 0), "ignored");
  EXPECT_EQ(select(value, 100'000, 1000), select(value, 100'000));
  EXPECT_EQ(select_ranges(value + ",50000-", 100'000, 17).ranges().size(), 17U);
  std::string most = "bytes=0-0";
  for (std::size_t i = 1; i < RangeSelection::kMaxRanges; ++i) {
    most += "," + std::to_string(1000 * i) + "-" + std::to_string(1000 * i);
  }
  EXPECT_EQ(select_ranges(most, 100'000, 1000).ranges().size(), RangeSelection::kMaxRanges);
  EXPECT_EQ(select(most + ",99000-99000", 100'000, 1000), "ignored");
  std::string bomb = "bytes=0-";
  for (int i = 0; i < 1300; ++i) bomb += ",5-" + std::to_string(i + 5);
  EXPECT_EQ(select(bomb, 100'000), "ignored");
}

TEST(Range, IgnoresRangesThatTogetherAreLongerThanTheWhole) {
  EXPECT_EQ(select("bytes=0-999", 1000), "0-999");
  EXPECT_EQ(select("bytes=0-499,500-999", 1000), "0-999");
  EXPECT_EQ(select("bytes=0-499,499-999", 1000), "ignored");
  EXPECT_EQ(select("bytes=0-,0-", 1000), "ignored");
  EXPECT_EQ(select("bytes=0-999,-1", 1000), "ignored");
  // Those that select nothing count for nothing.
  EXPECT_EQ(select("bytes=0-999,1000-,-0", 1000), "0-999");
  // What is counted is what would be sent, so that no sum runs over.
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(select("bytes=0-,0-,0-0", kMax), "ignored");
  EXPECT_EQ(select("bytes=1-,0-0", kMax), "0-18446744073709551614");
}

TEST(Range, TheGreatestLengthIsNoSpecialCase) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(select("bytes=0-", kMax), "0-18446744073709551614");
  EXPECT_EQ(select("bytes=-1", kMax), "18446744073709551614-18446744073709551614");
  EXPECT_EQ(select("bytes=0-99999999999999999999", kMax), "0-18446744073709551614");
  EXPECT_EQ(select("bytes=0-0,18446744073709551614-", kMax),
            "0-0,18446744073709551614-18446744073709551614");
}

TEST(Range, SingleIsThereForOneRangeOnly) {
  EXPECT_EQ(select_ranges("bytes=5-9", 100).single(), (ByteRange{5, 9}));
  EXPECT_EQ(select_ranges("bytes=5-9", 100).single()->size(), 5U);
  EXPECT_FALSE(select_ranges("bytes=0-0,90000-", 100'000).single());
  EXPECT_FALSE(select_ranges("bytes=100-", 100).single());
  EXPECT_FALSE(select_ranges("bytes=5", 100).single());
}

/// The bytes that a set selects, one flag each: no arithmetic that could go wrong.
std::vector<bool> selected_bytes(const std::vector<ByteRange>& specs, std::uint64_t length) {
  std::vector<bool> bytes(length);
  for (const ByteRange& spec : specs) {
    for (std::uint64_t i = spec.first; i <= spec.last && i < length; ++i) bytes[i] = true;
  }
  return bytes;
}

TEST(Range, CoversExactlyTheBytesAskedForButSmallGaps) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 3'000; ++round) {
    const std::uint64_t length = 1 + random() % 3'000;
    std::vector<ByteRange> specs;
    std::string value = "bytes=";
    for (std::size_t count = 1 + random() % 6; count > 0; --count) {
      const std::uint64_t first = random() % 3'200;
      specs.push_back({first, first + random() % 300});
      value += std::to_string(first) + "-" + std::to_string(specs.back().last) + ",";
    }
    const RangeSelection selection = select_ranges(value, length);
    const std::vector<bool> wanted = selected_bytes(specs, length);
    const std::vector<ByteRange> ranges(selection.ranges().begin(), selection.ranges().end());
    const std::vector<bool> given = selected_bytes(ranges, length);
    const bool any = std::ranges::find(wanted, true) != wanted.end();
    std::uint64_t sum = 0;
    for (const ByteRange& spec : specs) {
      sum += std::min(spec.last + 1, length) - std::min(spec.first, length);
    }
    if (sum > length) {
      ASSERT_EQ(selection.kind(), RangeSelection::Kind::ignored) << value << " of " << length;
      continue;
    }
    ASSERT_EQ(selection.kind(),
              any ? RangeSelection::Kind::partial : RangeSelection::Kind::unsatisfiable)
        << value;
    std::uint64_t gap = 0;
    for (std::uint64_t i = 0; i < length; ++i) {
      ASSERT_TRUE(given[i] || !wanted[i]) << value << " of " << length << " lacks byte " << i;
      gap = given[i] && !wanted[i] ? gap + 1 : 0;
      ASSERT_LT(gap, 128U) << value << " of " << length << " at byte " << i;
    }
    for (std::size_t a = 0; a < ranges.size(); ++a) {
      ASSERT_LE(ranges[a].first, ranges[a].last) << value;
      ASSERT_LT(ranges[a].last, length) << value;
      for (std::size_t b = 0; b < a; ++b) {
        const bool apart =
            ranges[a].first > ranges[b].last + 128 || ranges[b].first > ranges[a].last + 128;
        ASSERT_TRUE(apart) << value;
      }
    }
  }
}

}  // namespace
}  // namespace sluiced::http
