#include "http/html_escape.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

using namespace std::literals;

std::string escaped(std::string_view bytes) {
  std::string out;
  append_html_escaped(out, bytes);
  return out;
}

#define REPLACEMENT "\xEF\xBF\xBD"

TEST(HtmlEscape, EscapesMarkup) {
  EXPECT_EQ(escaped("plain text, 100% ~ok~"), "plain text, 100% ~ok~");
  EXPECT_EQ(escaped("<script>alert('a\"&b')</script>"),
            "&lt;script&gt;alert(&#39;a&quot;&amp;b&#39;)&lt;/script&gt;");
  EXPECT_EQ(escaped("&amp;"), "&amp;amp;");
  EXPECT_EQ(escaped(""), "");
}

TEST(HtmlEscape, KeepsValidUtf8) {
  for (const std::string_view text :
       {"\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "a\xC3\xBC"
        "b"}) {
    EXPECT_EQ(escaped(text), text);
  }
}

TEST(HtmlEscape, ReplacesInvalidUtf8WithoutSwallowingWhatFollows) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\xFF", REPLACEMENT},
      {"\x80", REPLACEMENT},
      {"\xC3", REPLACEMENT},
      {"\xC3<", REPLACEMENT "&lt;"},
      {"\xC0\xAF", REPLACEMENT REPLACEMENT},  // Overlong slash.
      {"\xC1\xBF", REPLACEMENT REPLACEMENT},
      {"\xE0\x80\xAF", REPLACEMENT REPLACEMENT REPLACEMENT},
      {"\xED\xA0\x80", REPLACEMENT REPLACEMENT REPLACEMENT},  // A surrogate.
      {"\xF4\x90\x80\x80", REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT},
      {"\xF5\x80", REPLACEMENT REPLACEMENT},
      {"\xE2\x82", REPLACEMENT},  // The longest piece is one replacement.
      {"\xE2\x82"
       "A",
       REPLACEMENT "A"},
      {"\xF0\x9F\x98", REPLACEMENT},
      {"\xF0\x9F\x98\xC3\xBC", REPLACEMENT "\xC3\xBC"},
      {"caf\xE9 <b>", "caf" REPLACEMENT " &lt;b&gt;"},  // Latin-1.
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(escaped(bytes), text);
}

TEST(HtmlEscape, WritesControlsAsReferences) {
  EXPECT_EQ(escaped("a\nb\tc\rd"), "a&#10;b&#9;c&#13;d");
  EXPECT_EQ(escaped("\x01\x1F\x7F"), "&#1;&#31;&#127;");
  EXPECT_EQ(escaped("a\0b"sv), "a" REPLACEMENT "b");
}

TEST(HtmlEscape, NoByteLeavesMarkupOrAControlBehind) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string out =
          escaped(std::string{static_cast<char>(first), static_cast<char>(second), '<'});
      ASSERT_TRUE(out.ends_with("&lt;")) << first << " " << second;
      ASSERT_EQ(out.find_first_of("<>\"'"), std::string::npos) << first << " " << second;
      for (const char c : out) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
  }
}

}  // namespace
}  // namespace sluiced::http
