#include "admin/status_page.hpp"

#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace sluiced::admin {
namespace {

TEST(StatusPage, AllowsNothingButItsOwnStyleItsOwnScriptAndRequestsToItsOrigin) {
  const std::regex policy(
      "default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; "
      "script-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; connect-src 'self'; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  const StatusPage page = make_status_page();
  EXPECT_TRUE(std::regex_match(page.security_policy, policy)) << page.security_policy;
}

TEST(StatusPage, LoadsNothingAndHasNoCodeInItsElements) {
  const std::string html = make_status_page().html;
  EXPECT_EQ(html.find(" src="), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_EQ(html.find("url("), std::string::npos);
  EXPECT_EQ(html.find("innerHTML"), std::string::npos) << "what clients chose would be markup";
  EXPECT_FALSE(std::regex_search(html, std::regex("<[^>]+ (on[a-z]+|style)=")));
  const std::regex link(R"re(href="(?!data:,|status\.json|metrics)[^"]*")re");
  EXPECT_FALSE(std::regex_search(html, link));
}

TEST(StatusPage, IsWholeAndSmall) {
  const std::string html = make_status_page().html;
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(html.ends_with("</html>\n"));
  EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos) << "the style";
  EXPECT_NE(html.find("\"use strict\";"), std::string::npos) << "the script";
  EXPECT_EQ(html.find("status.css"), std::string::npos) << "the mark where the style belongs";
  EXPECT_LT(html.size(), 40U * 1024);
}

}  // namespace
}  // namespace sluiced::admin
