#include "serve/response.hpp"

#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/request_head.hpp"

namespace sluiced::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string render(const Response& response, std::string_view version = "HTTP/1.1",
                   bool keep_alive = true) {
  const std::string text = "GET / " + std::string(version) + "\r\nHost: h\r\n\r\n";
  http::RequestHead head;
  EXPECT_TRUE(http::parse_request_head(text, {}, head));
  std::array<char, 4096> buffer;
  const http::DateLine date(784111777);
  const auto rendered = render_head(response, head, keep_alive, date, buffer);
  return rendered ? std::string(*rendered) : "refused";
}

TEST(RenderHead, SaysWhatAClientOfAFileNeeds) {
  Response response;
  response.content_type = "text/plain";
  response.content_length = 7;
  response.accepts_ranges = true;
  EXPECT_EQ(render(response),
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 7\r\n"
            "Accept-Ranges: bytes\r\n"
            "\r\n");
}

TEST(RenderHead, NotModifiedDescribesNoContent) {
  Response response;
  response.status = http::Status::not_modified;
  response.content_type = "text/plain";
  const std::string head = render(response);
  EXPECT_THAT(head, Not(HasSubstr("Content-")));
  EXPECT_THAT(head, HasSubstr("Date: "));
}

TEST(RenderHead, NotModifiedLeavesTheDateToWhoHasNoTag) {
  Response response;
  response.status = http::Status::not_modified;
  response.validators = http::make_validators({{784111777, 0}, 5, 6}, {800000000, 0});
  EXPECT_THAT(render(response), HasSubstr("ETag: "));
  EXPECT_THAT(render(response), Not(HasSubstr("Last-Modified: ")));
  response.validators->etag.reset();
  EXPECT_THAT(render(response), HasSubstr("Last-Modified: "));
  response.status = http::Status::ok;
  response.validators = http::make_validators({{784111777, 0}, 5, 6}, {800000000, 0});
  EXPECT_THAT(render(response), HasSubstr("Last-Modified: "));
}

TEST(RenderHead, AnErrorPageSaysNothingOfTheFileItStandsFor) {
  http::HeaderRules rules;
  ASSERT_TRUE(rules.add("*", {{"X-Rule", "a"}}, {}));
  Response response;
  response.validators = http::make_validators({{784111777, 0}, 5, 6}, {800000000, 0});
  response.content_encoding = "gzip";
  response.header_rules = &rules;
  response.header_lines = rules.select("a");
  EXPECT_THAT(render(response), HasSubstr("X-Rule: a\r\n"));
  EXPECT_THAT(render(response), HasSubstr("Content-Encoding: gzip\r\n"));
  response.set_page(http::Status::range_not_satisfiable);
  for (const char* name : {"X-Rule", "Content-Encoding", "ETag", "Last-Modified"}) {
    EXPECT_THAT(render(response), Not(HasSubstr(name)));
  }
}

TEST(RenderHead, OneFieldNamesAllThatTheResponseVariesBy) {
  Response response;
  EXPECT_THAT(render(response), Not(HasSubstr("Vary")));
  response.varies_by_origin = true;
  EXPECT_THAT(render(response), HasSubstr("\r\nVary: Origin\r\n"));
  response.varies_by_encoding = true;
  EXPECT_THAT(render(response), HasSubstr("\r\nVary: Accept-Encoding, Origin\r\n"));
  response.varies_by_accept = true;
  EXPECT_THAT(render(response), HasSubstr("\r\nVary: Accept, Accept-Encoding, Origin\r\n"));
  response.varies_by_origin = false;
  EXPECT_THAT(render(response), HasSubstr("\r\nVary: Accept, Accept-Encoding\r\n"));
}

TEST(RenderHead, VaryOfARuleIsPartOfThatField) {
  http::HeaderRules rules;
  ASSERT_TRUE(rules.add("*", {{"Vary", "origin, Cookie"}, {"X-Rule", "a"}}, {}));
  Response response;
  response.header_rules = &rules;
  response.header_lines = rules.select("a");
  EXPECT_THAT(render(response), HasSubstr("X-Rule: a\r\nVary: origin, Cookie\r\n"));
  response.varies_by_encoding = response.varies_by_origin = true;
  EXPECT_THAT(render(response),
              HasSubstr("X-Rule: a\r\nVary: Accept-Encoding, Origin, Cookie\r\n"));
  response.set_page(http::Status::not_found);
  EXPECT_THAT(render(response), HasSubstr("\r\nVary: Accept-Encoding, Origin\r\n"));
}

TEST(RenderHead, DigestsStandAsStructuredFields) {
  Response response;
  response.representation_digest.emplace();
  EXPECT_THAT(render(response),
              HasSubstr("Repr-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:\r\n"));
  EXPECT_THAT(render(response), Not(HasSubstr("Content-Digest")));
}

TEST(RenderHead, UnsatisfiedRangeTellsTheLength) {
  Response response;
  response.complete_length = 1234;
  response.set_page(http::Status::range_not_satisfiable);
  EXPECT_THAT(render(response), HasSubstr("Content-Range: bytes */1234\r\n"));
}

TEST(RenderHead, SaysCloseWhenItCloses) {
  EXPECT_THAT(render({}, "HTTP/1.1", false), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(render({}, "HTTP/1.0", false), HasSubstr("Connection: close\r\n"));
}

TEST(RenderHead, SaysKeepAliveToAnOldClientOnly) {
  EXPECT_THAT(render({}, "HTTP/1.1", true), Not(HasSubstr("Connection:")));
  EXPECT_THAT(render({}, "HTTP/1.0", true), HasSubstr("Connection: keep-alive\r\n"));
}

TEST(RenderHead, ServiceUnavailableAsksToComeAgain) {
  Response response;
  response.set_page(http::Status::service_unavailable);
  EXPECT_THAT(render(response), HasSubstr("Retry-After: 1\r\n"));
}

TEST(RenderHead, RefusesAValueWithALineBreak) {
  Response response;
  response.location = "/a\r\nSet-Cookie: x";
  EXPECT_EQ(render(response), "refused");
}

TEST(Response, PageReplacesWhatWasPlanned) {
  Response response;
  response.range = http::ByteRange{0, 1};
  response.accepts_ranges = true;
  response.content_length = 99;
  response.set_page(http::Status::not_found);
  EXPECT_THAT(render(response), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(render(response), Not(HasSubstr("Content-Range")));
  EXPECT_EQ(response.content_length, response.text.size());
}

TEST(Response, ClearLeavesNothingOfTheLastRequest) {
  Response response;
  response.set_page(http::Status::service_unavailable);
  response.location = "/x";
  response.allow = "GET";
  response.closes = true;
  response.varies_by_encoding = response.varies_by_accept = response.varies_by_origin = true;
  response.clear();
  EXPECT_EQ(render(response), render(Response()));
  EXPECT_FALSE(response.closes);
}

}  // namespace
}  // namespace sluiced::serve
