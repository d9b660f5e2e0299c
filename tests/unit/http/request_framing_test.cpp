#include "http/request_framing.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using testing::get_with;
using testing::ParsedRequest;
using testing::verdict_of;

struct Verdict {
  std::string text;
  std::string_view verdict;
};

TEST(RequestFraming, JudgesHosts) {
  const Verdict cases[] = {
      {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "accepted"},
      {"GET / HTTP/1.1\r\nhOST:example.org\r\n\r\n", "accepted"},
      {"GET / HTTP/1.1\r\n\r\n", "missing_host"},
      {"GET / HTTP/1.2\r\n\r\n", "missing_host"},
      {"GET http://a/ HTTP/1.1\r\n\r\n", "missing_host"},
      {"GET / HTTP/1.0\r\n\r\n", "accepted"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.0\r\nHost:\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a/path\r\n\r\n", "bad_host"},
      {"GET / HTTP/1.1\r\nHost: a:80 x\r\n\r\n", "bad_host"},
  };
  for (const Verdict& c : cases) EXPECT_EQ(verdict_of(c.text), c.verdict) << c.text;
}

TEST(RequestFraming, TakesTheAuthorityOfAnAbsoluteFormIfHostAgrees) {
  const Verdict cases[] = {
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "accepted"},
      {"GET HTTP://A/ HTTP/1.1\r\nHost: a\r\n\r\n", "accepted"},
      {"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "accepted"},
      {"GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", "accepted"},
      {"GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n", "accepted"},
      {"GET http://[::1]:81/ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "accepted"},
      {"GET http://a/ HTTP/1.0\r\n\r\n", "accepted"},
      {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "host_mismatch"},
      {"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", "host_mismatch"},
      {"GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", "host_mismatch"},
      {"GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n", "host_mismatch"},
      {"GET http:/// HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http:// HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://?q HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http:a HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET ftp://a/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://u@a/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://u:p@a:80/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://a:80x/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://a:80:80/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET http://%31.0.0.1/ HTTP/1.0\r\n\r\n", "bad_target"},
      {"GET schema:/path?query HTTP/1.0\r\n\r\n", "bad_target"},
  };
  for (const Verdict& c : cases) EXPECT_EQ(verdict_of(c.text), c.verdict) << c.text;
}

TEST(RequestFraming, SplitsTheTargetOfEachForm) {
  const struct {
    std::string line;
    TargetForm form;
    std::string_view resource;
    std::string_view host;
  } cases[] = {
      {"GET /p?q", TargetForm::origin, "/p?q", "h"},
      {"GET //p", TargetForm::origin, "//p", "h"},
      {"GET http://h/p?q", TargetForm::absolute, "/p?q", "h"},
      {"GET http://h?q", TargetForm::absolute, "?q", "h"},
      {"GET http://H", TargetForm::absolute, "", "H"},
      {"OPTIONS *", TargetForm::asterisk, "*", "h"},
      {"OPTIONS http://h", TargetForm::asterisk, "", "h"},
      {"OPTIONS http://h/", TargetForm::absolute, "/", "h"},
      {"OPTIONS http://h?q", TargetForm::absolute, "?q", "h"},
      {"CONNECT h:80", TargetForm::authority, "h:80", "h"},
  };
  for (const auto& c : cases) {
    const ParsedRequest request(c.line + " HTTP/1.1\r\nHost: h:80\r\n\r\n");
    ASSERT_EQ(request.verdict(), "accepted") << c.line;
    EXPECT_EQ(request.head().form, c.form) << c.line;
    EXPECT_EQ(request.head().resource, c.resource) << c.line;
    ASSERT_TRUE(request.head().authority) << c.line;
    EXPECT_EQ(request.head().authority->host, c.host) << c.line;
  }
}

TEST(RequestFraming, ConnectNamesAHostAndAPort) {
  EXPECT_EQ(verdict_of("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), "accepted");
  EXPECT_EQ(verdict_of("CONNECT home_0.example:443 HTTP/1.0\r\n\r\n"), "accepted");
  EXPECT_EQ(verdict_of("CONNECT h HTTP/1.0\r\n\r\n"), "bad_target");
  EXPECT_EQ(verdict_of("CONNECT /p HTTP/1.0\r\n\r\n"), "bad_target");
  EXPECT_EQ(verdict_of("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), "host_mismatch");
}

TEST(RequestFraming, JudgesContentLengthAndTransferEncoding) {
  const Verdict cases[] = {
      {"Content-Length: 0\r\n", "accepted"},
      {"Content-Length: 18446744073709551615\r\n", "accepted"},
      {"Content-Length:  42\t \r\n", "accepted"},
      {"Content-Length: 005\r\n", "accepted"},
      {"Content-Length: 18446744073709551616\r\n", "bad_cl"},
      {"Content-Length: 99999999999999999999\r\n", "bad_cl"},
      {"Content-Length: 1000000000000000000000\r\n", "bad_cl"},
      {"Content-Length:\r\n", "bad_cl"},
      {"Content-Length: abc\r\n", "bad_cl"},
      {"Content-Length: +5\r\n", "bad_cl"},
      {"Content-Length: -1\r\n", "bad_cl"},
      {"Content-Length: -0\r\n", "bad_cl"},
      {"Content-Length: 0x5\r\n", "bad_cl"},
      {"Content-Length: 0o5\r\n", "bad_cl"},
      {"Content-Length: 1_0\r\n", "bad_cl"},
      {"Content-Length: 1 0\r\n", "bad_cl"},
      {"Content-Length: 5.0\r\n", "bad_cl"},
      {"Content-Length: 5, 5\r\n", "bad_cl"},
      {"Content-Length: 5,\r\n", "bad_cl"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "bad_cl"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "bad_cl"},
      {"Transfer-Encoding: chunked\r\n", "accepted"},
      {"Transfer-Encoding: Chunked\r\n", "accepted"},
      {"Transfer-Encoding:\tchunked \r\n", "accepted"},
      {"Transfer-Encoding: gzip, chunked\r\n", "unknown_te"},
      {"Transfer-Encoding: deflate , gzip,CHUNKED\r\n", "unknown_te"},
      {"Transfer-Encoding: gzip\r\n", "bad_te"},
      {"Transfer-Encoding: identity\r\n", "bad_te"},
      {"Transfer-Encoding: xchunked\r\n", "bad_te"},
      {"Transfer-Encoding: chunkedchunked\r\n", "bad_te"},
      {"Transfer-Encoding:\r\n", "bad_te"},
      {"Transfer-Encoding: chunked, chunked\r\n", "bad_te"},
      {"Transfer-Encoding: chunked, gzip\r\n", "bad_te"},
      {"Transfer-Encoding: , chunked\r\n", "bad_te"},
      {"Transfer-Encoding: chunked,\r\n", "bad_te"},
      {"Transfer-Encoding: chunked;q=1\r\n", "bad_te"},
      {"Transfer-Encoding: \"chunked\"\r\n", "bad_te"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "bad_te"},
      {"Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n", "bad_te"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "te_cl"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "te_cl"},
      {"Transfer-Encoding: identity\r\nContent-Length: x\r\n", "te_cl"},
      {"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "accepted"},
  };
  for (const Verdict& c : cases) EXPECT_EQ(verdict_of(get_with(c.text)), c.verdict) << c.text;
  EXPECT_EQ(verdict_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "bad_te");
}

TEST(RequestFraming, SaysWhichBodyFollows) {
  const ParsedRequest none(get_with(""));
  EXPECT_FALSE(none.head().has_body());
  const ParsedRequest empty(get_with("Content-Length: 0\r\n"));
  EXPECT_FALSE(empty.head().has_body());
  EXPECT_EQ(empty.head().content_length, 0U);
  const ParsedRequest sized(get_with("Content-Length: 18446744073709551615\r\n"));
  EXPECT_TRUE(sized.head().has_body());
  EXPECT_EQ(sized.head().content_length, UINT64_MAX);
  EXPECT_FALSE(sized.head().chunked);
  const ParsedRequest chunked(get_with("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(chunked.head().has_body());
  EXPECT_TRUE(chunked.head().chunked);
  EXPECT_FALSE(chunked.head().content_length);
}

TEST(RequestFraming, DecidesPersistence) {
  const struct {
    std::string_view version;
    std::string_view lines;
    bool keep_alive;
  } cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: Close\t\r\n", false},
      {"1.1", "Connection: keep-alive\r\n", true},
      {"1.1", "Connection: closed\r\n", true},
      {"1.1", "Connection: close, token, upgrade, token, keep-alive\r\n", false},
      {"1.1", "Connection: keep-alive, , x ,CLOSE,\r\n", false},
      {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
      {"1.1", "Connection: ,\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: keep-alive\r\n", true},
      {"1.0", "Connection: foo, Keep-Alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
      {"1.0", "Connection: close\r\nConnection: keep-alive\r\n", false},
  };
  for (const auto& c : cases) {
    std::string text = "GET / HTTP/";
    text.append(c.version).append("\r\nHost: a\r\n").append(c.lines).append("\r\n");
    const ParsedRequest request(text);
    ASSERT_EQ(request.verdict(), "accepted") << text;
    EXPECT_EQ(request.head().keep_alive, c.keep_alive) << text;
  }
}

TEST(RequestFraming, DecidesExpectation) {
  const struct {
    std::string_view version;
    std::string_view lines;
    std::string_view verdict;
    bool expect_continue;
  } cases[] = {
      {"1.1", "Content-Length: 5\r\nExpect: 100-continue\r\n", "accepted", true},
      {"1.1", "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n", "accepted", true},
      {"1.1", "Content-Length: 5\r\n", "accepted", false},
      {"1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n", "accepted", false},
      {"1.1", "Expect: 100-continue\r\n", "accepted", false},
      {"1.1", "Expect: 200-ok\r\n", "bad_expectation", false},
      {"1.1", "Expect:\r\n", "bad_expectation", false},
      {"1.1", "Expect: 100-continue\r\nExpect: x\r\n", "bad_expectation", false},
      {"1.0", "Content-Length: 5\r\nExpect: 100-continue\r\n", "accepted", false},
      {"1.0", "Expect: 200-ok\r\n", "accepted", false},
  };
  for (const auto& c : cases) {
    std::string text = "PUT / HTTP/";
    text.append(c.version).append("\r\nHost: a\r\n").append(c.lines).append("\r\n");
    const ParsedRequest request(text);
    ASSERT_EQ(request.verdict(), c.verdict) << text;
    if (c.verdict == "accepted") {
      EXPECT_EQ(request.head().expect_continue, c.expect_continue) << text;
    }
  }
}

}  // namespace
}  // namespace sluiced::http
