// However a head is cut into pieces, and wherever its buffer moves meanwhile, the verdict and the
// result are those of the head in one piece.
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "http/request_head.hpp"

namespace sluiced::http {
namespace {

using namespace std::string_literals;

const HeadLimits kLimits{.request_line_bytes = 60, .field_section_bytes = 120, .fields = 4};

std::vector<std::string> heads() {
  const std::string longer(70, 'x');
  return {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\nGET /x?y HTTP/1.1\r\nHost: a.example:80\r\nA:\t b \r\nRange: bytes=0-\r\n\r\nGET /",
      "POST http://h/p HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nExpect: "
      "100-continue\r\n\r\nabc",
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n",
      "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET /\r\nfoo\n",
      "GET / HTTP/1.1\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\rHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s,
      "GET / HTTP/1.1\r\nHost: a\r\n\rX",
      "GET / HTTP/1.1\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n",
      "GET /" + longer + " HTTP/1.1\r\n\n",
      "GET / HTTP/1.1\r\nX: " + longer + longer + "\n",
      "GET / HTTP/1.1\r\nX: " + longer + "\r\nY: " + longer + "\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      "\x16\x03\x01",
      "GET / HTTP/1.1\r\nHost: a\r\nX: y",
      "",
  };
}

/// All that a parse comes to, as text.
std::string describe(const std::expected<std::size_t, ProtocolError>& result,
                     const RequestHead& head) {
  if (!result) return std::string("error ").append(protocol_error_label(result.error()));
  if (*result == 0) return "incomplete";
  std::string text = std::to_string(*result) + " bytes: ";
  text.append(head.method_text).append(" ").append(head.target).append(" ");
  text.append(head.resource).append(head.version == Version::http_1_0 ? " 1.0" : " 1.1");
  text.append(head.authority ? head.authority->host : std::string_view(" no host"));
  text.append(" ").append(std::to_string(head.content_length.value_or(999)));
  for (const bool flag : {head.chunked, head.expect_continue, head.keep_alive}) {
    text.append(flag ? " yes" : " no");
  }
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    text.append("\n").append(head.fields.line(i).name);
    text.append("=").append(head.fields.line(i).value);
  }
  return text;
}

/// Feeds `text` up to each of `ends` in turn, from a new allocation every time, so that
/// AddressSanitizer sees every view into an old buffer.
std::string parse_in_pieces(std::string_view text, const std::vector<std::size_t>& ends) {
  auto head = std::make_unique<RequestHead>();
  RequestHeadParser parser(kLimits);
  std::expected<std::size_t, ProtocolError> result = 0;
  std::unique_ptr<std::vector<char>> buffer;
  for (const std::size_t end : ends) {
    buffer = std::make_unique<std::vector<char>>(text.begin(),
                                                 text.begin() + static_cast<std::ptrdiff_t>(end));
    result = parser.parse({buffer->data(), buffer->size()}, *head);
    if (!result || *result != 0) break;
  }
  return describe(result, *head);
}

TEST(RequestHeadSplit, EverySplitIntoTwoGivesTheSame) {
  for (const std::string& text : heads()) {
    const std::string whole = parse_in_pieces(text, {text.size()});
    for (std::size_t split = 0; split <= text.size(); ++split) {
      EXPECT_EQ(parse_in_pieces(text, {split, text.size()}), whole) << text << "\n at " << split;
    }
  }
}

TEST(RequestHeadSplit, EverySplitIntoThreeGivesTheSame) {
  for (const std::string& text : heads()) {
    const std::string whole = parse_in_pieces(text, {text.size()});
    for (std::size_t first = 0; first < text.size(); first += 3) {
      for (std::size_t second = first; second < text.size(); second += 2) {
        ASSERT_EQ(parse_in_pieces(text, {first, second, text.size()}), whole)
            << text << "\n at " << first << " and " << second;
      }
    }
  }
}

TEST(RequestHeadSplit, ByteByByteGivesTheSame) {
  for (const std::string& text : heads()) {
    std::vector<std::size_t> ends;
    for (std::size_t end = 1; end <= text.size(); ++end) ends.push_back(end);
    EXPECT_EQ(parse_in_pieces(text, ends), parse_in_pieces(text, {text.size()})) << text;
  }
}

}  // namespace
}  // namespace sluiced::http
