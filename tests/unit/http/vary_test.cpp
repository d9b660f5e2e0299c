#include "http/vary.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

TEST(Vary, NamesEachFieldOnceInWhateverCase) {
  const struct {
    std::string_view own, added, expected;
  } cases[] = {
      {"", "Cookie", "Cookie"},
      {"Origin", "", "Origin"},
      {"Accept-Encoding, Origin", "Cookie", "Accept-Encoding, Origin, Cookie"},
      {"Accept-Encoding, Origin", "origin, ACCEPT-ENCODING", "Accept-Encoding, Origin"},
      {"Accept-Encoding", "Accept", "Accept-Encoding, Accept"},
      {"", " a ,, b\t,A", "a, b"},
      {"Origin", "*", "*"},
      {"", "a, *", "*"},
  };
  for (const auto& [own, added, expected] : cases) {
    EXPECT_EQ(merged_vary(own, added), expected) << own << " and " << added;
  }
}

TEST(Vary, IsAListOfNamesOrAStar) {
  for (const std::string_view value : {"*", "Cookie", "a, b", ",a,", "a\t,b", "*, a"}) {
    EXPECT_TRUE(is_vary_value(value)) << value;
  }
  for (const std::string_view value : {"", ",", " ", "a b", "a;b", "\"a\"", "a, b:c", "\xC3\xA9"}) {
    EXPECT_FALSE(is_vary_value(value)) << value;
  }
}

}  // namespace
}  // namespace sluiced::http
