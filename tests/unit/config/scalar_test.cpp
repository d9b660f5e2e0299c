#include "config/scalar.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace sluiced::config {
namespace {

using std::chrono::milliseconds;

struct Refused {
  std::string_view text;
  std::string_view why;
};

TEST(Sizes, AreReadInAllUnits) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> table{
      {"0", 0},
      {"1", 1},
      {"4096", 4096},
      {"8KiB", 8192},
      {"8KB", 8000},
      {"1MiB", 1048576},
      {"1MB", 1000000},
      {"3GiB", 3221225472},
      {"3GB", 3000000000},
      {"0MiB", 0},
      {"9223372036854775807", 9223372036854775807ULL},
      {"8589934591GiB", 9223372035781033984ULL},
  };
  for (const auto& [text, bytes] : table) {
    EXPECT_EQ(parse_size(text), bytes) << text;
  }
}

TEST(Sizes, AreRefusedWithAReason) {
  const std::vector<Refused> table{
      {"", "the value is empty"},
      {"-1", "'-1' is negative"},
      {"-", "'-' is not a size such as 8KiB"},
      {"+1", "'+1' is not a size such as 8KiB"},
      {"KiB", "'KiB' is not a size such as 8KiB"},
      {"eight", "'eight' is not a size such as 8KiB"},
      {"08", "'08' has a leading zero"},
      {"1.5MiB", "'1.5MiB' has decimals: use a smaller unit"},
      {"1,5MiB", "'1,5MiB' has decimals: use a smaller unit"},
      {"8 KiB", "'8 KiB' has white space inside"},
      {"8k", "'8k' has an unknown unit: write 8KiB (in steps of 1024) or 8KB (in steps of 1000)"},
      {"8M", "'8M' has an unknown unit: write 8MiB (in steps of 1024) or 8MB (in steps of 1000)"},
      {"8gb", "'8gb' has an unknown unit: write 8GiB (in steps of 1024) or 8GB (in steps of 1000)"},
      {"8kib",
       "'8kib' has an unknown unit: write 8KiB (in steps of 1024) or 8KB (in steps of 1000)"},
      {"8B", "'8B' has an unknown unit: use KiB, MiB, GiB, KB, MB, GB, or nothing for bytes"},
      {"8TiB", "'8TiB' has an unknown unit: use KiB, MiB, GiB, KB, MB, GB, or nothing for bytes"},
      {"0x10", "'0x10' has an unknown unit: use KiB, MiB, GiB, KB, MB, GB, or nothing for bytes"},
      {"1_000", "'1_000' has an unknown unit: use KiB, MiB, GiB, KB, MB, GB, or nothing for bytes"},
      {"9223372036854775808", "'9223372036854775808' is too large"},
      {"8589934592GiB", "'8589934592GiB' is too large"},
      {"18446744073709551616", "'18446744073709551616' is too large"},
  };
  for (const auto& [text, why] : table) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error(), why);
  }
}

TEST(Durations, AreReadInAllUnits) {
  const std::vector<std::pair<std::string_view, milliseconds>> table{
      {"0", milliseconds(0)},          {"0s", milliseconds(0)},
      {"1ms", milliseconds(1)},        {"10s", std::chrono::seconds(10)},
      {"5m", std::chrono::minutes(5)}, {"2h", std::chrono::hours(2)},
      {"7d", std::chrono::days(7)},    {"9223372036854775807ms", milliseconds(9223372036854775807)},
  };
  for (const auto& [text, duration] : table) {
    EXPECT_EQ(parse_duration(text), duration) << text;
  }
}

TEST(Durations, AreRefusedWithAReason) {
  const std::vector<Refused> table{
      {"", "the value is empty"},
      {"10", "'10' has no unit: write 10s, or use ms, m, h, d"},
      {"00", "'00' has a leading zero"},
      {"-5s", "'-5s' is negative"},
      {"1.5s", "'1.5s' has decimals: use a smaller unit"},
      {"10 s", "'10 s' has white space inside"},
      {"10sec", "'10sec' has an unknown unit: use ms, s, m, h or d"},
      {"10S", "'10S' has an unknown unit: use ms, s, m, h or d"},
      {"1m30s", "'1m30s' has an unknown unit: use ms, s, m, h or d"},
      {"s", "'s' is not a time such as 10s"},
      {"forever", "'forever' is not a time such as 10s"},
      {"9223372036854775808ms", "'9223372036854775808ms' is too large"},
      {"106751991168d", "'106751991168d' is too large"},
  };
  for (const auto& [text, why] : table) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error(), why);
  }
}

TEST(Booleans, AreTrueOrFalseAndNothingElse) {
  EXPECT_EQ(parse_boolean("true"), true);
  EXPECT_EQ(parse_boolean("false"), false);
  for (const std::string_view text :
       {"True", "TRUE", "yes", "no", "on", "off", "1", "0", "t", "", "true "}) {
    EXPECT_FALSE(parse_boolean(text)) << text;
  }
  EXPECT_EQ(parse_boolean("yes").error(), "'yes' is neither true nor false");
}

TEST(Integers, AreDecimalWithoutSignOrLeadingZero) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("18446744073709551615"), 18446744073709551615ULL);
  const std::vector<Refused> table{
      {"", "the value is empty"},
      {"-1", "'-1' is negative"},
      {"+1", "'+1' is not a whole number"},
      {"1.0", "'1.0' is not a whole number"},
      {"1e3", "'1e3' is not a whole number"},
      {"0x10", "'0x10' is not a whole number"},
      {"0b1", "'0b1' is not a whole number"},
      {"1_000", "'1_000' is not a whole number"},
      {"010", "'010' has a leading zero"},
      {"ten", "'ten' is not a whole number"},
      {"18446744073709551616", "'18446744073709551616' is too large"},
  };
  for (const auto& [text, why] : table) {
    const auto number = parse_integer(text);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error(), why);
  }
}

TEST(Scalars, ThatAreHugeAreNamedInPart) {
  const std::string billion(1'000'000, '9');
  EXPECT_EQ(parse_integer(billion).error(), '\'' + std::string(80, '9') + "...' is too large");
}

TEST(Scalars, AreFormattedAsTheyWouldBeRead) {
  for (const std::uint64_t bytes : {0ULL, 1ULL, 1023ULL, 8192ULL, 1ULL << 40U, 1500000000ULL}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
  EXPECT_EQ(format_size(8192), "8KiB");
  EXPECT_EQ(format_size(1ULL << 40U), "1024GiB");
  EXPECT_EQ(format_size(1000), "1000");
  for (const milliseconds time : {milliseconds(0), milliseconds(1), milliseconds(90'000)}) {
    EXPECT_EQ(parse_duration(format_duration(time)), time);
  }
  EXPECT_EQ(format_duration(std::chrono::hours(24)), "1d");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1500ms");
}

}  // namespace
}  // namespace sluiced::config
