// Lines of the access log: what is in them, and that nothing a client sends can break one.

#include "observe/access_line.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "text/printable.hpp"

namespace sluiced::observe {
namespace {

using namespace std::chrono_literals;

AccessRecord usual() {
  AccessRecord record;
  record.when_s = 1795671777;  // 2026-11-26T05:42:57Z
  record.when_ns = 45'678'901;
  record.client = "192.0.2.1";
  record.client_port = 40000;
  record.listener = "web";
  record.site = "_default";
  record.method = "GET";
  record.target = "/./a?b";
  record.path = "a";
  record.version = "HTTP/1.1";
  record.status = 206;
  record.content_bytes = 1234567890123;
  record.outcome = "client_abort";
  record.referer = "http://here/";
  record.user_agent = "tester/1";
  record.header_time = 12us;
  record.first_byte_time = 345us;
  record.total_time = 6s + 789ns;
  return record;
}

std::string combined(const AccessRecord& record) {
  std::array<char, kLongestAccessLine> room;
  return {room.data(), write_combined(record, room)};
}

std::string json(const AccessRecord& record) {
  std::array<char, kLongestAccessLine> room;
  return {room.data(), write_json(record, room)};
}

/// The value of a text member as it is written.
std::string member(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const auto begin = line.find(key) + key.size();
  auto end = begin;
  while (line[end] != '"') {
    end += line[end] == '\\' ? 2 : 1;
  }
  return line.substr(begin, end - begin);
}

TEST(AccessLine, CombinedIsWhatOtherServersWrite) {
  EXPECT_EQ(combined(usual()),
            "192.0.2.1 - - [26/Nov/2026:05:42:57 +0000] \"GET /./a?b HTTP/1.1\" 206 1234567890123 "
            "\"http://here/\" \"tester/1\"\n");
}

TEST(AccessLine, JsonHasEverything) {
  EXPECT_EQ(json(usual()),
            "{\"time\":\"2026-11-26T05:42:57.045Z\",\"client\":\"192.0.2.1\",\"port\":40000,"
            "\"listener\":\"web\",\"site\":\"_default\",\"method\":\"GET\",\"target\":\"/./"
            "a?b\",\"path\":\"/a\","
            "\"protocol\":\"HTTP/1.1\",\"status\":206,\"bytes\":1234567890123,"
            "\"outcome\":\"client_abort\",\"header_us\":12,\"first_byte_us\":345,"
            "\"total_us\":6000000,\"referer\":\"http://here/\",\"user_agent\":\"tester/1\"}\n");
}

TEST(AccessLine, CombinedShowsWhatIsMissingAsADash) {
  AccessRecord record = usual();
  record.method = record.referer = record.user_agent = {};
  record.target = "nonsense";
  EXPECT_EQ(combined(record),
            "192.0.2.1 - - [26/Nov/2026:05:42:57 +0000] \"nonsense\" 206 1234567890123 \"-\" "
            "\"-\"\n");
}

TEST(AccessLine, TimesBeforeTheEpochAndOfLeapDaysAreRight) {
  AccessRecord record = usual();
  record.when_s = -1;
  EXPECT_EQ(member(json(record), "time"), "1969-12-31T23:59:59.045Z");
  record.when_s = 1709164800;
  EXPECT_EQ(member(json(record), "time"), "2024-02-29T00:00:00.045Z");
}

TEST(AccessLine, NegativeTimesAreZero) {
  AccessRecord record = usual();
  record.total_time = -1s;
  EXPECT_NE(json(record).find("\"total_us\":0,"), std::string::npos);
}

TEST(AccessLine, JsonEscapesWhatJsonAndTerminalsCouldMisread) {
  AccessRecord record = usual();
  record.user_agent = "\"\\\b\n\x1b\x7f\xc2\x9b\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80";
  EXPECT_EQ(member(json(record), "user_agent"),
            "\\\"\\\\\\u0008\\u000a\\u001b\\u007f\\u009b\\u2028\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(AccessLine, JsonReplacesBytesThatAreNotUtf8) {
  AccessRecord record = usual();
  record.user_agent = "\x80\xc0\xaf\xed\xa0\x80\xe2\x80";
  std::string expected;
  for (int count = 0; count < 8; ++count) {
    expected += "\\ufffd";
  }
  EXPECT_EQ(member(json(record), "user_agent"), expected);
}

TEST(AccessLine, CombinedIsPrintableAscii) {
  AccessRecord record = usual();
  record.target = "\"\\\n\x7f\xc3\xa9";
  EXPECT_NE(combined(record).find("GET \\x22\\x5c\\x0a\\x7f\\xc3\\xa9 HTTP"), std::string::npos);
}

TEST(AccessLine, TheLongestTextsFitAndAreCutBetweenCharacters) {
  for (const std::string_view unit : {"x", "\"", "\n", "\x80", "\xc3\xa9", "\xf0\x9f\x98\x80"}) {
    std::string text;
    while (text.size() < 70000) {
      text += unit;
    }
    AccessRecord record = usual();
    record.listener = record.site = record.method = record.target = record.path = text;
    record.referer = record.user_agent = text;
    for (const std::string& line : {json(record), combined(record)}) {
      EXPECT_TRUE(line.ends_with("\n"));
      EXPECT_EQ(line.find('\n'), line.size() - 1);
    }
    record = usual();
    record.target = record.path = record.referer = record.user_agent = text;
    const std::string line = json(record);
    EXPECT_LT(line.size(), kLongestAccessLine);
    EXPECT_TRUE(line.ends_with("...\"}\n"));
    for (std::size_t at = 0; at < line.size();) {
      const auto character = text::decode_utf8(line, at);
      ASSERT_TRUE(character) << at;
      at += character->length_bytes;
    }
  }
}

}  // namespace
}  // namespace sluiced::observe
