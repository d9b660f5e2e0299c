#include "serve/redirects.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::serve {
namespace {

using config::RedirectStatus;

/// "STATUS LOCATION" for a target, or "none".
std::string redirected(std::string_view target) {
  const Redirects redirects({
      {"/old", "/new", RedirectStatus::k301},
      {"/old/", "/new/", RedirectStatus::k302},
      {"/", "/start.html", RedirectStatus::k307},
      {"/docs/*", "https://docs.example/v1/*", RedirectStatus::k308},
      {"/docs/v2/*", "/v2/*", RedirectStatus::k301},
      {"/docs/v2/exact", "/found?x=1", RedirectStatus::k301},
      {"/gone/*", "/gone.html", RedirectStatus::k302},
      {"/flat/*", "/*", RedirectStatus::k301},
      {"/sp ace", "/space", RedirectStatus::k301},
  });
  http::PathBuffer buffer;
  const auto path = http::normalise_target(target, buffer);
  EXPECT_TRUE(path) << target;
  const auto found = redirects.find(*path);
  return found ? std::to_string(http::status_code(found->status)) + " " + found->location : "none";
}

TEST(Redirects, APathLeadsToItsPlace) {
  EXPECT_EQ(redirected("/old"), "301 /new");
  EXPECT_EQ(redirected("/old/"), "302 /new/");
  EXPECT_EQ(redirected("/"), "307 /start.html");
  EXPECT_EQ(redirected("/sp%20ace"), "301 /space");
  EXPECT_EQ(redirected("/x/../old"), "301 /new");
  EXPECT_EQ(redirected("/old/x"), "none");
  EXPECT_EQ(redirected("/older"), "none");
  EXPECT_EQ(redirected("/docs"), "none");
}

TEST(Redirects, APatternCarriesTheRestEncoded) {
  EXPECT_EQ(redirected("/docs/"), "308 https://docs.example/v1/");
  EXPECT_EQ(redirected("/docs/a/b"), "308 https://docs.example/v1/a/b");
  EXPECT_EQ(redirected("/docs/a/"), "308 https://docs.example/v1/a/");
  EXPECT_EQ(redirected("/docs/a%20b%0D%0Ac%3Fd"), "308 https://docs.example/v1/a%20b%0D%0Ac%3Fd");
  EXPECT_EQ(redirected("/gone/a/b"), "302 /gone.html");
}

TEST(Redirects, ThePathWinsAndThenTheLongestPattern) {
  EXPECT_EQ(redirected("/docs/v2/exact"), "301 /found?x=1");
  EXPECT_EQ(redirected("/docs/v2/other"), "301 /v2/other");
}

TEST(Redirects, TheQueryIsKept) {
  EXPECT_EQ(redirected("/old?a=1&b=%2F"), "301 /new?a=1&b=%2F");
  EXPECT_EQ(redirected("/docs/v2/exact?a"), "301 /found?x=1&a");
  EXPECT_EQ(redirected("/old?"), "301 /new?");
  EXPECT_EQ(redirected("/old?<\"x\">"), "301 /new?%3C%22x%22%3E");
}

TEST(Redirects, NoRestBecomesTheNameOfAHost) {
  EXPECT_EQ(redirected("/flat//evil.example"), "301 /evil.example");
  EXPECT_EQ(redirected("/flat///evil.example/"), "301 /evil.example/");
  EXPECT_EQ(redirected("/flat/%5Cevil.example"), "301 /%5Cevil.example");
}

}  // namespace
}  // namespace sluiced::serve
