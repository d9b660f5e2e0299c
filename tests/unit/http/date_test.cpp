#include "http/date.hpp"

#include <cstdint>
#include <ctime>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

constexpr UnixSeconds kExample = 784111777;  // Of RFC 9110 section 5.6.7.
constexpr UnixSeconds kNow = 1795332960;     // 2026-11-22 07:36:00.

std::string format(UnixSeconds time) {
  const HttpDate date = format_http_date(time);
  return {date.data(), date.size()};
}

TEST(HttpDate, FormatsImfFixdate) {
  EXPECT_EQ(format(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(format(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(format(2147483648), "Tue, 19 Jan 2038 03:14:08 GMT");
  EXPECT_EQ(format(kNow), "Sun, 22 Nov 2026 07:36:00 GMT");
  EXPECT_EQ(format(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST(HttpDate, CutsDownYearsWithoutFourDigits) {
  EXPECT_EQ(format(std::numeric_limits<UnixSeconds>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format(std::numeric_limits<UnixSeconds>::min()), "Mon, 01 Jan 0001 00:00:00 GMT");
}

TEST(HttpDate, AgreesWithTheCLibraryAndParsesBack) {
  std::mt19937_64 random(20261122);
  std::uniform_int_distribution<UnixSeconds> times(-62135596800, 253402300799);
  for (int round = 0; round < 20'000; ++round) {
    const UnixSeconds time = times(random);
    const std::string text = format(time);
    const std::time_t seconds = time;
    std::tm parts{};
    ASSERT_NE(gmtime_r(&seconds, &parts), nullptr);
    char expected[64];
    std::strftime(expected, sizeof expected, "%a, %d %b ", &parts);
    std::string year = std::to_string(parts.tm_year + 1900);
    year.insert(0, 4 - year.size(), '0');
    char rest[16];
    std::strftime(rest, sizeof rest, " %H:%M:%S GMT", &parts);
    ASSERT_EQ(text, expected + year + rest) << time;
    ASSERT_EQ(parse_http_date(text, kNow), time) << text;
  }
}

TEST(HttpDate, ParsesTheThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kExample);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", kNow), kExample + 10 * 86400);
}

TEST(HttpDate, TakesAnyDayNameAndALeapSecond) {
  EXPECT_EQ(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow),
            parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT", kNow));
}

TEST(HttpDate, RefusesEverythingElse) {
  const std::string_view cases[] = {
      "",
      "0",
      "Sun",
      "not-a-date",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 gmt",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT",
      "sun, 06 Nov 1994 08:49:37 GMT",
      "Son, 06 Nov 1994 08:49:37 GMT",
      "Sun,  06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun, 06 Nov 01994 08:49:37 GMT",
      "Sun, 06 Nov 1994 8:49:37 GMT",
      "Sun, 06 Nov 1994 08:49 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Sun, 29 Feb 1900 00:00:00 GMT",
      "Sun, 29 Feb 2023 00:00:00 GMT",
      "Sun, -6 Nov 1994 08:49:37 GMT",
      "Sun, +6 Nov 1994 08:49:37 GMT",
      "Sun, 06-Nov-94 08:49:37 GMT",
      "Sunday, 06-Nov-1994 08:49:37 GMT",
      "Sunday, 06 Nov 94 08:49:37 GMT",
      "Sunday, 6-Nov-94 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37",
      "Sun Nov 06 08:49:37 94",
      "Sun Nov 6 08:49:37 1994",
      "Sun Nov  6 08:49:37 1994 GMT",
      "Sun Nov  06 08:49:37 1994",
      "Sun Nov  6 08:49:37 19945",
      "1994-11-06T08:49:37Z",
  };
  for (const std::string_view text : cases) EXPECT_FALSE(parse_http_date(text, kNow)) << text;
}

TEST(HttpDate, NoPrefixAndNoChangedByteCrashesOrReachesBeyondTheText) {
  for (const std::string_view valid :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    for (std::size_t size = 0; size < valid.size(); ++size) {
      const std::string prefix(valid.substr(0, size));  // An allocation of its own, for ASan.
      EXPECT_FALSE(parse_http_date(prefix, kNow)) << prefix;
      std::string changed(valid);
      changed[size] = '\xFF';
      EXPECT_FALSE(parse_http_date(changed, kNow)) << changed;
    }
  }
}

/// The four-digit year that RFC 850's "06-Nov-YY" is read as at `now`.
std::string year_read_at(std::string_view two_digits, UnixSeconds now) {
  const std::string text = "Sunday, 06-Nov-" + std::string(two_digits) + " 08:49:37 GMT";
  const auto time = parse_http_date(text, now);
  return time ? format(*time).substr(12, 4) : "none";
}

TEST(HttpDate, TwoDigitYearIsAtMostFiftyYearsAhead) {
  const UnixSeconds now = kNow;  // 22 November 2026.
  EXPECT_EQ(year_read_at("26", now), "2026");
  EXPECT_EQ(year_read_at("75", now), "2075");
  EXPECT_EQ(year_read_at("76", now), "2076");  // 6 November: 16 days within the 50 years.
  EXPECT_EQ(year_read_at("77", now), "1977");
  EXPECT_EQ(year_read_at("99", now), "1999");
  EXPECT_EQ(year_read_at("00", now), "2000");

  const UnixSeconds early = *parse_http_date("Fri, 06 Nov 2026 08:49:36 GMT", now);
  EXPECT_EQ(year_read_at("76", early), "1976");  // One second more than 50 years ahead.
  EXPECT_EQ(year_read_at("76", early + 1), "2076");

  const UnixSeconds end_of_century = *parse_http_date("Sun, 31 Dec 2090 00:00:00 GMT", now);
  EXPECT_EQ(year_read_at("05", end_of_century), "2105");
  EXPECT_EQ(year_read_at("40", end_of_century), "2140");
  EXPECT_EQ(year_read_at("41", end_of_century), "2041");
  const UnixSeconds leap_day = *parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT", now);
  EXPECT_EQ(year_read_at("73", leap_day), "2073");
  EXPECT_EQ(year_read_at("74", leap_day), "1974");
}

}  // namespace
}  // namespace sluiced::http
