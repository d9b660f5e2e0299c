#include "serve/cors.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::serve {
namespace {

config::Cors listed() {
  config::Cors cors;
  cors.origins = {"https://app.example", "http://localhost:3000"};
  cors.headers = {"X-Token", "Range"};
  cors.expose = {"ETag"};
  cors.max_age = std::chrono::seconds(90);
  return cors;
}

config::Cors anybody() {
  config::Cors cors;
  cors.origins = {"*"};
  return cors;
}

/// The fields that are added for a request with these lines, and whether Vary has to name Origin.
std::string fields(const config::Cors& cors, std::string_view method, std::string_view lines) {
  const std::string text =
      std::string(method) + " / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
  http::RequestHead head;
  EXPECT_TRUE(http::parse_request_head(text, {}, head));
  const CorsRules rules(cors);
  http::RenderedFields rendered;
  if (head.method == http::Method::options) {
    rules.add_preflight_fields(head, rendered);
  }
  rules.add_fields(head, rendered);
  return (rules.varies_by_origin() ? "(varies)\r\n" : "") + std::string(rendered.text());
}

TEST(Cors, SaysNothingUnlessItIsOn) {
  EXPECT_EQ(fields({}, "GET", "Origin: https://app.example\r\n"), "");
}

TEST(Cors, AnOriginOfTheListIsNamedAndCachesAreTold) {
  EXPECT_EQ(fields(listed(), "GET", "Origin: https://app.example\r\n"),
            "(varies)\r\nAccess-Control-Allow-Origin: https://app.example\r\n"
            "Access-Control-Expose-Headers: ETag\r\n");
  for (const std::string_view lines :
       {"", "Origin: https://evil.example\r\n", "Origin: null\r\n",
        "Origin: https://app.example.evil\r\n", "Origin: http://app.example\r\n",
        "Origin: https://app.example:444\r\n",
        "Origin: https://app.example\r\nOrigin: https://app.example\r\n"}) {
    EXPECT_EQ(fields(listed(), "GET", lines), "(varies)\r\n") << lines;
  }
}

TEST(Cors, AllOriginsNeedNoNameAndNoVary) {
  EXPECT_EQ(fields(anybody(), "GET", "Origin: https://who.example\r\n"),
            "Access-Control-Allow-Origin: *\r\n");
  EXPECT_EQ(fields(anybody(), "GET", ""), "");
}

TEST(Cors, CredentialsAreAllowedWhereTheyAreMeant) {
  config::Cors cors = listed();
  cors.credentials = true;
  cors.expose.clear();
  EXPECT_EQ(fields(cors, "GET", "Origin: https://app.example\r\n"),
            "(varies)\r\nAccess-Control-Allow-Origin: https://app.example\r\n"
            "Access-Control-Allow-Credentials: true\r\n");
}

TEST(Cors, APreflightIsToldWhatIsAllowed) {
  EXPECT_EQ(fields(listed(), "OPTIONS",
                   "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\n"
                   "Access-Control-Request-Headers: x-token\r\n"),
            "(varies)\r\nAccess-Control-Allow-Methods: GET, HEAD\r\n"
            "Access-Control-Allow-Headers: X-Token, Range\r\n"
            "Access-Control-Max-Age: 90\r\n"
            "Access-Control-Allow-Origin: http://localhost:3000\r\n");
}

TEST(Cors, APreflightForWhatIsNotAllowedIsToldNothing) {
  for (const std::string_view lines :
       {"Origin: https://app.example\r\nAccess-Control-Request-Method: DELETE\r\n",
        "Origin: https://app.example\r\nAccess-Control-Request-Method: get\r\n"}) {
    EXPECT_EQ(fields(listed(), "OPTIONS", lines),
              "(varies)\r\nAccess-Control-Allow-Origin: https://app.example\r\n");
  }
  EXPECT_EQ(fields(listed(), "OPTIONS",
                   "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n"),
            "(varies)\r\n");
}

}  // namespace
}  // namespace sluiced::serve
