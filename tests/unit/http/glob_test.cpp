#include "http/glob.hpp"

#include <string>
#include <string_view>
#include <tuple>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  const auto glob = Glob::parse(pattern);
  EXPECT_TRUE(glob) << pattern;
  return glob && glob->matches(path);
}

TEST(Glob, MatchesByTable) {
  const std::tuple<std::string_view, std::string_view, bool> cases[] = {
      // Without '/' the last component counts.
      {"*.css", "a.css", true},
      {"*.css", "sub/dir/a.css", true},
      {"*.css", ".css", true},
      {"*.css", "a.css.gz", false},
      {"*.css", "a.CSS", false},
      {"*.{css,js}", "a.css", true},
      {"*.{css,js}", "x/a.js", true},
      {"*.{css,js}", "a.map", false},
      {"{a,b,}c", "c", true},
      {"{a,b,}c", "bc", true},
      {"{a,b}{1,2}", "b2", true},
      {"{a,b}{1,2}", "ab", false},
      {"index.html", "sub/index.html", true},
      {"?", "a", true},
      {"?", "ab", false},
      {"a?c", "abc", true},
      {"*", "anything/at/all", true},
      {"**", "anything/at/all", true},
      {"*a*b*", "xxaxxbxx", true},
      {"*a*b*", "xxbxxaxx", false},
      {"a*", "ba", false},
      {"*aab", "aaab", true},
      // With one, all of the path counts.
      {"/robots.txt", "robots.txt", true},
      {"/robots.txt", "sub/robots.txt", false},
      {"/*.txt", "a.txt", true},
      {"/*.txt", "sub/a.txt", false},
      {"assets/*", "assets/a", true},
      {"assets/*", "assets/b/a", false},
      {"assets/**", "assets/b/a", true},
      {"assets/**", "assets", false},
      {"/assets/**", "assets/b/a", true},
      {"a/?", "a/b", true},
      {"a?b", "a/b", false},
      {"/a?b", "a/b", false},
      {"assets/**/*.js", "assets/x.js", true},
      {"assets/**/*.js", "assets/a/b/x.js", true},
      {"assets/**/*.js", "assets/a/b/x.css", false},
      {"**/x", "x", true},
      {"**/x", "a/b/x", true},
      {"**/x", "a/bx", false},
      {"**/a/**/b", "a/b", true},
      {"**/a/**/b", "1/a/2/b", true},
      {"/**.bin", "a/b/c.bin", true},
      {"/a**/b", "ax/y/b", true},
      {"/**a*b", "x/a/ab", true},
      {"/**a*b", "x/ab/c", false},
      // Bytes, not characters.
      {"??", "\xC3\xA9", true},
      {"caf\xC3\xA9*", "caf\xC3\xA9.txt", true},
  };
  for (const auto& [pattern, path, expected] : cases) {
    EXPECT_EQ(matches(pattern, path), expected) << pattern << " against " << path;
  }
}

TEST(Glob, SaysWhatIsWrongWithAPattern) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "is empty"},
      {"*.{css", "has braces that do not pair or nest"},
      {"*.css}", "has braces that do not pair or nest"},
      {"{a,{b,c}}", "has braces that do not pair or nest"},
      {"[a-z]", "holds one of [ ] \\, which patterns do not know: use *, **, ?, {a,b}"},
      {"a\\*", "holds one of [ ] \\, which patterns do not know: use *, **, ?, {a,b}"},
      {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "stands for more than 64 patterns"},
      {"**/**/**/**/**/**/**/x", "stands for more than 64 patterns"},
  };
  for (const auto& [pattern, expected] : cases) {
    const auto glob = Glob::parse(pattern);
    ASSERT_FALSE(glob) << pattern;
    EXPECT_EQ(glob.error(), expected) << pattern;
  }
  EXPECT_FALSE(Glob::parse(std::string(257, 'a')));
  EXPECT_TRUE(Glob::parse(std::string(256, 'a')));
  EXPECT_TRUE(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"));
}

TEST(Glob, APatternFullOfStarsComesToAnEnd) {
  const auto glob = Glob::parse("/**a*a*a*a*a*a*b");
  ASSERT_TRUE(glob);
  std::string path;
  for (int i = 0; i < 16; ++i) path += std::string(255, 'a') + "/";
  EXPECT_FALSE(glob->matches(path));
}

}  // namespace
}  // namespace sluiced::http
