#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/text_rules.hpp"

namespace sluiced::config {
namespace {

TEST(Fallback, IsAFileBeneathTheRoot) {
  EXPECT_EQ(check_fallback("/index.html"), "/index.html");
  EXPECT_EQ(check_fallback("/app/über uns.html"), "/app/über uns.html");
  for (const std::string_view bad :
       {"", "/", "index.html", "/app/", "/../x", "/a//b", "/a/./b", "/a%20b", "/a?b", "/a\nb"}) {
    EXPECT_FALSE(check_fallback(bad)) << bad;
  }
}

TEST(RedirectFrom, IsAPathOrAllBelowOne) {
  for (const std::string_view good : {"/", "/*", "/old", "/old/", "/old/*", "/a b/c"}) {
    EXPECT_EQ(check_redirect_from(good), good);
  }
  for (const std::string_view bad :
       {"", "old", "*", "/old*", "/*/x", "/a/**", "/a//b", "/../a", "/a%20b", "/a?b", "/a#b"}) {
    EXPECT_FALSE(check_redirect_from(bad)) << bad;
  }
}

TEST(RedirectTo, IsAPathOrAUrlEncoded) {
  for (const std::string_view good :
       {"/", "/*", "/new", "/new?x=1&y=%20", "https://example.org", "http://example.org:8080/a/*",
        "https://[2001:db8::1]:8443/", "https://example.org?x=1", "https://192.0.2.1/"}) {
    EXPECT_EQ(check_redirect_to(good), good);
  }
  for (const std::string_view bad :
       {"", "new", "//evil.example/", "/new#part", "/a b", "/ü", "/a\r\nSet-Cookie: x", "ftp://a/",
        "javascript:alert(1)", "https://", "https:///a", "https://u@example.org/",
        "https://example.org:port/", "https://example.org:/", "https://*.example.org/",
        "https://example.org*", "/a*", "/a\\b", "https://[::1/"}) {
    EXPECT_FALSE(check_redirect_to(bad)) << bad;
  }
  EXPECT_FALSE(check_redirect_to("/" + std::string(2000, 'a')));
}

TEST(Origin, IsASchemeAHostAndPerhapsAPort) {
  EXPECT_EQ(check_origin("*"), "*");
  EXPECT_EQ(check_origin("https://App.Example.org"), "https://app.example.org");
  EXPECT_EQ(check_origin("http://localhost:3000"), "http://localhost:3000");
  EXPECT_EQ(check_origin("http://[::1]:3000"), "http://[::1]:3000");
  for (const std::string_view bad :
       {"", "null", "app.example.org", "https://app.example.org/", "https://app.example.org/x",
        "https://*.example.org", "https://a?b", "https://a:123456", "ws://a", "https://a b"}) {
    EXPECT_FALSE(check_origin(bad)) << bad;
  }
}

TEST(MethodsAndFields, AreTokens) {
  EXPECT_EQ(check_method("GET"), "GET");
  EXPECT_EQ(check_field_name("X-Requested-With"), "X-Requested-With");
  for (const std::string_view bad : {"", "get", "G T", "GET,HEAD", "GET\r\n"}) {
    EXPECT_FALSE(check_method(bad)) << bad;
  }
  for (const std::string_view bad : {"", "*", "X:Y", "X Y", "X\r\nY", "ü"}) {
    EXPECT_FALSE(check_field_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluiced::config
