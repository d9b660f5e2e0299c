#include "http/utf8.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

TEST(Utf8, TellsValidFromInvalid) {
  for (const std::string_view valid :
       {"", "a", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF4\x8F\xBF\xBF", "\xC2\x80"}) {
    EXPECT_TRUE(is_valid_utf8(valid));
    EXPECT_EQ(to_valid_utf8(valid), valid);
  }
  for (const std::string_view invalid :
       {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE2\x82", "\xED\xA0\x80",
        "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5", "\xFF",
        "a\xFC"
        "b"}) {
    EXPECT_FALSE(is_valid_utf8(invalid));
    EXPECT_TRUE(is_valid_utf8(to_valid_utf8(invalid)));
  }
}

TEST(Utf8, ReplacesEachLongestInvalidPieceOnce) {
  EXPECT_EQ(to_valid_utf8("a\xE2\x82"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(to_valid_utf8("\xE2\x82\xE2\x82\xAC"), "\xEF\xBF\xBD\xE2\x82\xAC");
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace sluiced::http
