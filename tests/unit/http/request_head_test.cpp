#include "http/request_head.hpp"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using namespace std::string_literals;
using testing::get_with;
using testing::ParsedRequest;
using testing::verdict_of;

TEST(RequestHead, GivesMethodTargetVersionAndFieldsAsViews) {
  const ParsedRequest request(
      "GET /a/b?q=1 HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: curl/7.88.1\r\n"
      "X-Empty:\r\nX-Padded: \t a b\t c \t\r\n\r\nnext request");
  ASSERT_EQ(request.verdict(), "accepted");
  const RequestHead& head = request.head();
  EXPECT_EQ(request.text().substr(request.length()), "next request");
  EXPECT_EQ(head.method, Method::get);
  EXPECT_EQ(head.method_text, "GET");
  EXPECT_EQ(head.target, "/a/b?q=1");
  EXPECT_EQ(head.resource, "/a/b?q=1");
  EXPECT_EQ(head.version, Version::http_1_1);
  EXPECT_EQ(head.form, TargetForm::origin);
  ASSERT_EQ(head.fields.size(), 4U);
  EXPECT_EQ(head.fields.line(0).name, "Host");
  EXPECT_EQ(head.fields.line(0).value, "example.org:8080");
  EXPECT_EQ(head.fields.line(2).value, "");
  EXPECT_EQ(head.fields.line(3).name, "X-Padded");
  EXPECT_EQ(head.fields.line(3).value, "a b\t c");
  EXPECT_EQ(head.fields.single(KnownField::user_agent), "curl/7.88.1");
  ASSERT_TRUE(head.authority);
  EXPECT_EQ(head.authority->host, "example.org");
  EXPECT_EQ(head.authority->port, 8080);
  EXPECT_FALSE(head.has_body());
}

TEST(RequestHead, JudgesRequestLines) {
  const struct {
    std::string line;
    std::string_view verdict;
  } cases[] = {
      {"GET / HTTP/1.1", "accepted"},
      {"GET / HTTP/1.0", "accepted"},
      {"GET / HTTP/1.2", "accepted"},
      {"GET / HTTP/1.9", "accepted"},
      {"get / HTTP/1.1", "accepted"},  // A method nobody knows, which the handler refuses.
      {"M-SEARCH / HTTP/1.1", "accepted"},
      {"GET /%zz|\"<>`{}^ HTTP/1.1", "accepted"},  // For the path to judge.
      {"GET /caf\xC3\xA9 HTTP/1.1", "accepted"},
      {"OPTIONS * HTTP/1.1", "accepted"},
      {"CONNECT a:443 HTTP/1.1", "host_mismatch"},
      {"GET * HTTP/1.1", "bad_target"},
      {"PRI * HTTP/1.1", "bad_target"},
      {"PRI * HTTP/2.0", "unsupported_version"},
      {"GET / HTTP/0.9", "unsupported_version"},
      {"GET / HTTP/2.0", "unsupported_version"},
      {"GET / HTTP/9.9", "unsupported_version"},
      {"GET / HTTP/1.11", "bad_version"},
      {"GET / HTTP/10.0", "bad_version"},
      {"GET / HTTP/01.1", "bad_version"},
      {"GET / HTTP/1", "bad_version"},
      {"GET / HTTP/", "bad_version"},
      {"GET / HTTP/1.x", "bad_version"},
      {"GET / HTTP/x.1", "bad_version"},
      {"GET / HTTP/1,1", "bad_version"},
      {"GET / HTT/1.1", "bad_version"},
      {"GET / http/1.1", "bad_version"},
      {"GET / RTSP/1.0", "bad_version"},
      {"GET / ICE/1.0", "bad_version"},
      {"GET / ", "bad_version"},
      {"GET / HTTP/ 1.1", "bad_request_line"},
      {"GET / HTTP/1.1 ", "bad_request_line"},
      {"GET / HTTP/1.1  ", "bad_request_line"},
      {"GET / HTTP/1.1 x", "bad_request_line"},
      {"GET  / HTTP/1.1", "bad_request_line"},
      {"GET /  HTTP/1.1", "bad_request_line"},
      {"GET /pa th HTTP/1.1", "bad_request_line"},
      {"GET HTTP/1.1", "bad_request_line"},
      {"GET  HTTP/1.1", "bad_request_line"},
      {"GET /", "bad_request_line"},
      {"GET ", "bad_request_line"},
      {"GET", "bad_request_line"},
      {"GET\t/ HTTP/1.1", "bad_request_line"},
      {"GET /\t HTTP/1.1", "bad_request_line"},
      {"GET /\x01 HTTP/1.1", "bad_request_line"},
      {"GET /\x7F HTTP/1.1", "bad_request_line"},
      {"GET /\0 HTTP/1.1"s, "bad_request_line"},
      {"G\0ET / HTTP/1.1"s, "bad_request_line"},
      {"GET / HTTP/1.1\0"s, "bad_request_line"},
      {"G/T / HTTP/1.1", "bad_method"},
      {"GET/ HTTP/1.1", "bad_method"},
      {"G\xC3\x89T / HTTP/1.1", "bad_method"},
      {"G ET / HTTP/1.1", "bad_request_line"},
      {"GET /#frag HTTP/1.1", "bad_target"},
      {"GET /?q#frag HTTP/1.1", "bad_target"},
      {"GET a HTTP/1.1", "bad_target"},
      {"GET ?q HTTP/1.1", "bad_target"},
      {"GET ../x HTTP/1.1", "bad_target"},
      {"GET \\x HTTP/1.1", "bad_target"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(verdict_of(c.line + "\r\nHost: a\r\n\r\n"), c.verdict) << c.line;
  }
}

TEST(RequestHead, RefusesAtOnceWhatCannotBeginARequest) {
  EXPECT_EQ(verdict_of("\x16\x03\x01\x02"), "not_http");  // A TLS client hello.
  EXPECT_EQ(verdict_of("\x80"), "not_http");
  EXPECT_EQ(verdict_of("\0"s), "not_http");
  EXPECT_EQ(verdict_of(" "), "not_http");
  EXPECT_EQ(verdict_of("\t"), "not_http");
  EXPECT_EQ(verdict_of("{\"json\""), "not_http");
  EXPECT_EQ(verdict_of("\n"), "bare_lf");
  EXPECT_EQ(verdict_of("\rG"), "bare_cr");
  EXPECT_EQ(verdict_of("GE\n"), "bare_lf");
  EXPECT_EQ(verdict_of("SSH-2.0-OpenSSH_9.2\r\n"), "bad_request_line");
  EXPECT_EQ(verdict_of("GET /\r\n"), "bad_request_line");  // HTTP/0.9.
  EXPECT_EQ(verdict_of("GET /#frag HTTP/1.0\r\n"), "bad_target");
}

TEST(RequestHead, ToleratesOneEmptyLineBeforeTheRequest) {
  const ParsedRequest request("\r\n" + get_with("X: 1\r\n") + "rest");
  ASSERT_EQ(request.verdict(), "accepted");
  EXPECT_EQ(request.text().substr(request.length()), "rest");
  EXPECT_EQ(request.head().method_text, "GET");
  EXPECT_EQ(request.head().fields.line(1).value, "1");
  EXPECT_EQ(verdict_of("\r\n"), "incomplete");
  EXPECT_EQ(verdict_of("\r\n\r"), "bad_request_line");
  EXPECT_EQ(verdict_of("\r\n\r\n" + get_with("")), "bad_request_line");
  EXPECT_EQ(verdict_of("\r\n\n" + get_with("")), "bare_lf");
}

TEST(RequestHead, JudgesFieldLines) {
  const struct {
    std::string line;
    std::string_view verdict;
  } cases[] = {
      {"Foo: bar\r\n", "accepted"},
      {"Foo:bar\r\n", "accepted"},
      {"Foo:\r\n", "accepted"},
      {"Foo: b\tar\r\n", "accepted"},
      {"Foo: D\xC3\xBCsseldorf\xFF\r\n", "accepted"},
      {"Foo: a:b\r\n", "accepted"},
      {"a!#$%&'*+-.^_`|~9: x\r\n", "accepted"},
      {"Foo\r\n", "bad_field"},
      {"Foo bar\r\n", "bad_field"},
      {"Foo bar: x\r\n", "bad_field"},
      {"Foo : bar\r\n", "bad_field"},
      {"Foo\t: bar\r\n", "bad_field"},
      {": bar\r\n", "bad_field"},
      {"Bad[Name: x\r\n", "bad_field"},
      {"Fo@: x\r\n", "bad_field"},
      {"X-T\xC3\xABst: x\r\n", "bad_field"},
      {"F\x01o: x\r\n", "bad_field"},
      {"Foo: b\x01r\r\n", "bad_field"},
      {"Foo: b\x07\x08\x0B\r\n", "bad_field"},
      {"Foo: b\x7Fr\r\n", "bad_field"},
      {"Foo: b\0r\r\n"s, "bad_field"},
      {"Foo: b\0"s, "bad_field"},
      {" Foo: bar\r\n", "obs_fold"},
      {"Foo: bar\r\n baz\r\n", "obs_fold"},
      {"Foo: bar\r\n\tbaz\r\n", "obs_fold"},
      {"Foo: bar\r\n \r\n", "obs_fold"},
      {" \r\n", "obs_fold"},
      {"Foo: bar\n", "bare_lf"},
      {"Foo: b\nar\r\n", "bare_lf"},
      {"Foo: b\rar\r\n", "bare_cr"},
      {"Foo: bar\r\r\n", "bare_cr"},
      {"F\ro: bar\r\n", "bare_cr"},
  };
  for (const auto& c : cases) EXPECT_EQ(verdict_of(get_with(c.line)), c.verdict) << c.line;
}

TEST(RequestHead, RefusesABrokenEndOfTheHead) {
  EXPECT_EQ(verdict_of("GET / HTTP/1.1\r\nHost: a\r\n\n"), "bare_lf");
  EXPECT_EQ(verdict_of("GET / HTTP/1.1\r\nHost: a\r\n\rX"), "bare_cr");
  EXPECT_EQ(verdict_of("GET / HTTP/1.1\r\nHost: a\r\n\r\r"), "bare_cr");
  EXPECT_EQ(verdict_of("GET / HTTP/1.1\nHost: a\n\n"), "bare_lf");
}

TEST(RequestHead, EveryPrefixOfAValidHeadOnlyWaits) {
  const std::string text = "\r\n" + get_with("User-Agent: x\r\nAccept: */*\r\n");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(verdict_of(text.substr(0, size)), "incomplete") << size;
  }
  EXPECT_EQ(verdict_of(text), "accepted");
}

TEST(RequestHead, LimitsTheRequestLine) {
  const HeadLimits limits{.request_line_bytes = 64};
  const std::string fitting = "GET /" + std::string(64 - 14, 'a') + " HTTP/1.1";
  ASSERT_EQ(fitting.size(), 64U);
  EXPECT_EQ(verdict_of(fitting + "\r\nHost: a\r\n\r\n", limits), "accepted");
  EXPECT_EQ(verdict_of("GET /a" + fitting.substr(5) + "\r\n", limits), "uri_too_long");
  // Noticed before the line ends, and whatever comes behind the limit.
  EXPECT_EQ(verdict_of(std::string(65, 'G'), limits), "uri_too_long");
  EXPECT_EQ(verdict_of(std::string(64, 'G'), limits), "incomplete");
  EXPECT_EQ(verdict_of(std::string(65, 'G') + "\n", limits), "uri_too_long");
}

TEST(RequestHead, LimitsTheFieldSection) {
  const std::string line_and_host = "GET / HTTP/1.1\r\nHost: a\r\n";
  const auto with_filler = [&](std::size_t bytes) {
    return line_and_host + "X: " + std::string(bytes, 'b') + "\r\n\r\n";
  };
  const HeadLimits limits{.field_section_bytes = 128};
  const std::size_t most = 128 - std::string_view("Host: a\r\nX: \r\n\r\n").size();
  EXPECT_EQ(verdict_of(with_filler(most), limits), "accepted");
  EXPECT_EQ(verdict_of(with_filler(most + 1), limits), "header_too_large");
  EXPECT_EQ(verdict_of(line_and_host + std::string(200, 'b'), limits), "header_too_large");
}

TEST(RequestHead, LimitsNumberOfFieldsAndLengthOfNames) {
  const auto with_fields = [](std::size_t count) {
    std::string lines;
    for (std::size_t i = 0; i < count; ++i) lines += "X: y\r\n";
    return get_with(lines);
  };
  EXPECT_EQ(verdict_of(with_fields(99)), "accepted");
  EXPECT_EQ(verdict_of(with_fields(100)), "too_many_headers");
  EXPECT_EQ(verdict_of(with_fields(127), {.fields = 128}), "accepted");
  EXPECT_EQ(verdict_of(with_fields(128), {.fields = 1000}), "too_many_headers");
  EXPECT_EQ(verdict_of(get_with(std::string(255, 'n') + ": x\r\n")), "accepted");
  EXPECT_EQ(verdict_of(get_with(std::string(256, 'n') + ": x\r\n")), "header_too_large");
}

TEST(RequestHead, TakesTheLargestHeadThatLimitsAllow) {
  constexpr std::size_t kMax = 1'000'000;
  const HeadLimits limits{.request_line_bytes = kMax, .field_section_bytes = kMax};
  const std::string target(HeadLimits::kMaxRequestLineBytes - 13, '/');
  const std::string start = "\r\nGET " + target + " HTTP/1.1\r\nHost: a\r\n";
  const std::size_t overhead = std::string_view("Host: a\r\nX: \r\nLast: z\r\n\r\n").size();
  const std::string filler(HeadLimits::kMaxFieldSectionBytes - overhead, 'f');
  const ParsedRequest request(start + "X: " + filler + "\r\nLast: z\r\n\r\n", limits);
  ASSERT_EQ(request.verdict(), "accepted");
  EXPECT_EQ(request.length(), request.text().size());
  EXPECT_EQ(request.head().target, target);
  EXPECT_EQ(request.head().fields.line(1).value, filler);
  EXPECT_EQ(request.head().fields.line(2).value, "z");
  EXPECT_EQ(verdict_of(start + "X: " + filler + "g\r\nLast: z\r\n\r\n", limits),
            "header_too_large");
}

TEST(RequestHead, ParserTakesOneRequestAfterAnother) {
  const std::string first = get_with("If-Match: \"x\"\r\nContent-Length: 3\r\n");
  const std::string second = "HEAD /b HTTP/1.0\r\n\r\n";
  RequestHead head;
  RequestHeadParser parser{HeadLimits{}};
  EXPECT_FALSE(parser.has_begun());
  ASSERT_EQ(parser.parse(first, head).value_or(0), first.size());
  EXPECT_TRUE(parser.has_begun());
  EXPECT_TRUE(head.has_body());
  parser.reset();
  EXPECT_FALSE(parser.has_begun());
  ASSERT_EQ(parser.parse(second, head).value_or(0), second.size());
  EXPECT_EQ(head.method, Method::head);
  EXPECT_EQ(head.target, "/b");
  EXPECT_EQ(head.version, Version::http_1_0);
  EXPECT_EQ(head.fields.size(), 0U);
  EXPECT_FALSE(head.fields.has(KnownField::if_match));
  EXPECT_FALSE(head.authority);
  EXPECT_FALSE(head.content_length);
  EXPECT_FALSE(head.keep_alive);
}

TEST(FieldTable, KeepsTheLinesOfOneFieldInOrder) {
  const ParsedRequest request(
      get_with("If-None-Match: \"a\"\r\nRange: x\r\nIF-NONE-MATCH: \"b\"\r\nRanges: y\r\n"));
  const FieldTable& fields = request.head().fields;
  std::string seen;
  fields.for_each(KnownField::if_none_match, [&seen](std::string_view value) {
    seen.append(value);
    return true;
  });
  EXPECT_EQ(seen, "\"a\"\"b\"");
  EXPECT_EQ(fields.count(KnownField::if_none_match), 2U);
  EXPECT_FALSE(fields.single(KnownField::if_none_match));
  EXPECT_EQ(fields.single(KnownField::range), "x");
  EXPECT_FALSE(fields.has(KnownField::if_range));

  int visits = 0;
  fields.for_each(KnownField::if_none_match, [&visits](std::string_view) {
    ++visits;
    return false;
  });
  EXPECT_EQ(visits, 1);
}

TEST(FieldTable, CountsEachRequestFromNothing) {
  RequestHead head;
  RequestHeadParser parser{HeadLimits{}};
  const std::string twice = get_with("Origin: a\r\nRange: x\r\nRange: y\r\n");
  ASSERT_TRUE(parser.parse(twice, head));
  EXPECT_TRUE(head.fields.has_any(known_fields(KnownField::range, KnownField::if_range)));
  parser.reset();
  const std::string once = get_with("Range: z\r\n");
  ASSERT_TRUE(parser.parse(once, head));
  EXPECT_EQ(head.fields.count(KnownField::range), 1U);
  EXPECT_EQ(head.fields.single(KnownField::range), "z");
  EXPECT_EQ(head.fields.count(KnownField::origin), 0U);
  EXPECT_FALSE(head.fields.has_any(known_fields(KnownField::origin, KnownField::if_range)));
}

TEST(FieldTable, KnowsEachFieldInAnyCaseAndNoOther) {
  const std::pair<std::string_view, KnownField> known[] = {
      {"Accept", KnownField::accept},
      {"Accept-Encoding", KnownField::accept_encoding},
      {"Access-Control-Request-Method", KnownField::access_control_request_method},
      {"Authorization", KnownField::authorization},
      {"Connection", KnownField::connection},
      {"Content-Length", KnownField::content_length},
      {"Content-Range", KnownField::content_range},
      {"Content-Type", KnownField::content_type},
      {"Expect", KnownField::expect},
      {"Host", KnownField::host},
      {"If-Match", KnownField::if_match},
      {"If-Modified-Since", KnownField::if_modified_since},
      {"If-None-Match", KnownField::if_none_match},
      {"If-Range", KnownField::if_range},
      {"If-Unmodified-Since", KnownField::if_unmodified_since},
      {"Origin", KnownField::origin},
      {"Range", KnownField::range},
      {"Referer", KnownField::referer},
      {"Transfer-Encoding", KnownField::transfer_encoding},
      {"User-Agent", KnownField::user_agent},
      {"Want-Content-Digest", KnownField::want_content_digest},
      {"Want-Repr-Digest", KnownField::want_repr_digest},
  };
  EXPECT_EQ(std::size(known), kKnownFieldCount);
  for (const auto& [name, field] : known) {
    std::string changed(name);
    EXPECT_EQ(identify_field(changed), field) << name;
    for (char& c : changed) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(identify_field(changed), field) << name;
    changed.back() = '_';
    EXPECT_EQ(identify_field(changed), KnownField::other) << name;
    EXPECT_EQ(identify_field(std::string(name) + "s"), KnownField::other) << name;
  }
  EXPECT_EQ(identify_field("Transfer_Encoding"), KnownField::other);
  EXPECT_EQ(identify_field("Content\rLength"), KnownField::other);
}

}  // namespace
}  // namespace sluiced::http
