#include "http/header_rules.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

using namespace std::string_view_literals;

std::string lines(const HeaderRules& rules, HeaderRules::Lines selected) {
  std::string text;
  rules.for_each(selected, [&text](std::string_view line) { text += line; });
  return text;
}

TEST(HeaderRules, AllThatMatchCountAndTheLaterWins) {
  HeaderRules rules;
  ASSERT_TRUE(rules.add("*", {{"X-Frame-Options", "DENY"}, {"Cache-Control", "no-cache"}}, {}));
  ASSERT_TRUE(rules.add("*.css", {{"cache-control", "max-age=60"}}, {}));
  ASSERT_TRUE(rules.add("/open/**", {}, {"x-frame-OPTIONS"}));
  ASSERT_TRUE(rules.add("none.css", {}, {"Cache-Control"}));
  EXPECT_EQ(lines(rules, rules.select("a.txt")),
            "Cache-Control: no-cache\r\nX-Frame-Options: DENY\r\n");
  EXPECT_EQ(lines(rules, rules.select("a.css")),
            "X-Frame-Options: DENY\r\ncache-control: max-age=60\r\n");
  EXPECT_EQ(lines(rules, rules.select("open/a.css")), "cache-control: max-age=60\r\n");
  EXPECT_EQ(lines(rules, rules.select("none.css")), "X-Frame-Options: DENY\r\n");
}

TEST(HeaderRules, AFieldThatWasTakenAwayMayComeBack) {
  HeaderRules rules;
  ASSERT_TRUE(rules.add("*", {{"A", "1"}}, {}));
  ASSERT_TRUE(rules.add("*", {}, {"A"}));
  ASSERT_TRUE(rules.add("*.x", {{"A", "2"}}, {}));
  EXPECT_EQ(lines(rules, rules.select("a.y")), "");
  EXPECT_EQ(lines(rules, rules.select("a.x")), "A: 2\r\n");
}

TEST(HeaderRules, A304LeavesOutWhatDescribesContent) {
  HeaderRules rules;
  ASSERT_TRUE(rules.add("*",
                        {{"Content-Disposition", "attachment"},
                         {"content-language", "de"},
                         {"Cache-Control", "no-cache"},
                         {"Content-Security-Policy", "default-src 'self'"}},
                        {}));
  EXPECT_EQ(lines(rules, rules.without_content_metadata(rules.select("a"))),
            "Cache-Control: no-cache\r\nContent-Security-Policy: default-src 'self'\r\n");
}

TEST(HeaderRules, RefuseWhatTheServerSendsItself) {
  for (const std::string_view name : {"Content-Length",
                                      "ETag",
                                      "etag",
                                      "Date",
                                      "Transfer-Encoding",
                                      "Connection",
                                      "Content-Type",
                                      "Content-Encoding",
                                      "Last-Modified",
                                      "Accept-Ranges",
                                      "Content-Range",
                                      "Location",
                                      "Repr-Digest",
                                      "X-Content-Type-Options",
                                      "Keep-Alive",
                                      "Upgrade",
                                      "TRAILER",
                                      "access-control-allow-origin",
                                      "Access-Control-Max-Age",
                                      "Access-Control-Anything"}) {
    EXPECT_NE(flaw_in_field_name(name), "") << name;
    HeaderRules rules;
    EXPECT_FALSE(rules.add("*", {{std::string(name), "x"}}, {})) << name;
  }
  for (const std::string_view name : {"", "a b", "a:", "a\r\nb", "\xC3\xA9", "a/b"}) {
    EXPECT_EQ(flaw_in_field_name(name), "is not the name of a field") << name;
  }
  for (const std::string_view name : {"Cache-Control", "X-Foo", "Vary", "Link", "Server"}) {
    EXPECT_EQ(flaw_in_field_name(name), "") << name;
  }
}

TEST(HeaderRules, NameTheSettingThatIsMeant) {
  EXPECT_NE(flaw_in_field_name("Access-Control-Allow-Origin").find("'cors'"), std::string::npos);
  EXPECT_NE(flaw_in_field_name("content-ENCODING").find("'sidecars'"), std::string::npos);
  EXPECT_NE(flaw_in_field_name("Content-Type").find("'types'"), std::string::npos);
  EXPECT_NE(flaw_in_field_name("Location").find("'redirects'"), std::string::npos);
  EXPECT_NE(flaw_in_field_name("Repr-Digest").find("'digest'"), std::string::npos);
}

TEST(HeaderRules, KeepVaryForWhoeverWritesTheOneLineOfIt) {
  HeaderRules rules;
  ASSERT_TRUE(rules.add("*", {{"vARY", " Accept-Language , Cookie "}, {"A", "1"}}, {}));
  ASSERT_TRUE(rules.add("*.css", {{"Vary", "*"}}, {}));
  ASSERT_TRUE(rules.add("*.js", {}, {"vary"}));
  EXPECT_EQ(lines(rules, rules.select("a")), "A: 1\r\n");
  EXPECT_EQ(rules.vary(rules.select("a")), "Accept-Language , Cookie");
  EXPECT_EQ(rules.vary(rules.without_content_metadata(rules.select("a.css"))), "*");
  EXPECT_EQ(rules.vary(rules.select("a.js")), "");
  EXPECT_EQ(rules.vary(0), "");
  EXPECT_FALSE(rules.add("*", {{"Vary", "a b"}}, {}));
}

TEST(HeaderRules, RefuseAFieldThatIsSetTwiceByOneRule) {
  HeaderRules rules;
  EXPECT_FALSE(rules.add("*", {{"X-A", "1"}, {"x-a", "2"}}, {}));
}

TEST(HeaderRules, RefuseValuesThatCouldWriteTheRestOfTheResponse) {
  for (const std::string_view value :
       {"a\r\nb"sv, "a\nb"sv, "a\rb"sv, "\x01"sv, "a\x7F"sv, "a\0b"sv}) {
    EXPECT_NE(flaw_in_field_value(value), "");
    HeaderRules rules;
    EXPECT_FALSE(rules.add("*", {{"X", std::string(value)}}, {}));
  }
  EXPECT_EQ(flaw_in_field_value(" "), "is empty");
  EXPECT_EQ(flaw_in_field_value("a\tb \xC3\xA9"), "");
}

TEST(HeaderRules, AreBounded) {
  HeaderRules many;
  for (std::size_t i = 0; i < HeaderRules::kMostLines; ++i) {
    ASSERT_TRUE(many.add("*", {{"X-" + std::to_string(i), "v"}}, {}));
  }
  EXPECT_EQ(many.select("a"), ~HeaderRules::Lines{0});
  EXPECT_FALSE(many.add("*", {{"X-more", "v"}}, {}));
  HeaderRules large;
  ASSERT_TRUE(large.add("*", {{"A", std::string(1000, 'v')}, {"B", std::string(1000, 'v')}}, {}));
  EXPECT_FALSE(large.add("*", {{"C", std::string(1000, 'v')}}, {}));
  EXPECT_TRUE(large.add("*", {{"C", "v"}}, {})) << "what was refused takes no room";
}

}  // namespace
}  // namespace sluiced::http
