#include "http/accept.hpp"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/request_head.hpp"

namespace sluiced::http {
namespace {

constexpr std::array<std::string_view, 4> kOffered = {"text/html", "application/json",
                                                      "application/x-ndjson", "text/plain"};

/// The type that a request with these Accept lines gets, or "none".
std::string preferred(std::string_view lines) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
  RequestHead head;
  EXPECT_TRUE(parse_request_head(text, {}, head)) << lines;
  const auto found = preferred_media_type(head.fields, kOffered);
  return found ? std::string(kOffered[*found]) : "none";
}

TEST(Accept, ChoosesByQualityThenExactnessThenOurOrder) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "text/html"},
      {"Accept: */*\r\n", "text/html"},
      {"Accept: application/json\r\n", "application/json"},
      {"Accept: APPLICATION/JSON\r\n", "application/json"},
      {"Accept: application/json;charset=utf-8\r\n", "application/json"},
      {"Accept: text/html;q=0.5, application/json\r\n", "application/json"},
      {"Accept: text/html;q=0.5, application/json;q=0.501\r\n", "application/json"},
      {"Accept: text/html;q=0.5,application/json;q=0.5\r\n", "text/html"},
      {"Accept: text/plain, */*\r\n", "text/plain"},
      {"Accept: text/plain, */*;q=0.1\r\n", "text/plain"},
      {"Accept: text/*\r\n", "text/html"},
      {"Accept: text/*, text/html;q=0\r\n", "text/plain"},
      {"Accept: */*, text/html;q=0\r\n", "application/json"},
      {"Accept: application/*;q=0.2, application/x-ndjson;q=0.9\r\n", "application/x-ndjson"},
      {"Accept: text/html, application/xhtml+xml, application/xml;q=0.9, image/avif, */*;q=0.8\r\n",
       "text/html"},
      {"Accept: application/json, text/plain, */*\r\n", "application/json"},
      {"Accept: image/png\r\n", "none"},
      {"Accept: text/html;q=0\r\n", "none"},
      {"Accept: */*;q=0\r\n", "none"},
      {"Accept:\r\n", "none"},
      {"Accept: text/html;q=0\r\nAccept: text/plain\r\n", "text/plain"},
      {"Accept: application/json;v=\"a,text/html;q=1\";q=0.7, text/plain;q=0.6\r\n",
       "application/json"},
  };
  for (const auto& [lines, type] : cases) EXPECT_EQ(preferred(lines), type) << lines;
}

TEST(Accept, PassesOverMembersThatAreMalformed) {
  for (const std::string_view bad :
       {"text/html;q=2", "text/html;q=1.001", "text/html;q=-1", "text/html;q=", "text/html;q=.5",
        "text/html;q=0,5", "text/html;q=0.1234", "text", ";q=1", "\"", "text/html;q=1x"}) {
    const std::string line = "Accept: text/plain;q=0.3, " + std::string(bad) + "\r\n";
    EXPECT_EQ(preferred(line), "text/plain") << bad;
  }
}

}  // namespace
}  // namespace sluiced::http
