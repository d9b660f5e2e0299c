#include "http/body_framing.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using namespace std::string_literals;
using testing::get_with;
using testing::ParsedRequest;

/// What becomes of a body: its content, then "|" and what is left behind it, or "..." if more has
/// to come, or the label of an error. The body arrives in pieces of `piece` bytes.
std::string decode(const RequestHead& head, std::string_view body, std::size_t piece,
                   const ChunkLimits& limits = {}) {
  BodyDecoder decoder(head, limits);
  std::string content;
  while (!decoder.done() && !body.empty()) {
    std::string_view input = body.substr(0, piece);
    while (!decoder.done() && !input.empty()) {
      const auto step = decoder.decode(input);
      if (!step) return std::string(protocol_error_label(step.error()));
      content.append(step->content);
      input.remove_prefix(step->consumed);
      body.remove_prefix(step->consumed);
    }
  }
  EXPECT_EQ(decoder.content_bytes(), content.size());
  return decoder.done() ? content.append("|").append(body) : content.append("...");
}

std::string decode_chunked(std::string_view body, std::size_t piece = 1'000'000,
                           const ChunkLimits& limits = {}) {
  const ParsedRequest request(get_with("Transfer-Encoding: chunked\r\n"));
  return decode(request.head(), body, piece, limits);
}

const struct {
  std::string body;
  std::string_view result;
} kChunkedCases[] = {
    {"0\r\n\r\n", "|"},
    {"000\r\n\r\nGET /", "|GET /"},
    {"5\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nX", "hello world|X"},
    {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789|"},
    {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789|"},
    {"0000000000000003\r\nabc\r\n0\r\n\r\n", "abc|"},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n|"},
    // Extensions.
    {"5;ext=value\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5;a;b=c;d=\"e;\\\"f\\\\\"\r\nhello\r\n0;x\r\n\r\n", "hello|"},
    {"5 ; a = b ; c\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5;a=\"\t\xC3\xBC\"\r\nhello\r\n0\r\n\r\n", "hello|"},
    {"5;\r\nhello", "bad_chunk_extension"},
    {"5;;a\r\nhello", "bad_chunk_extension"},
    {"5;a=\r\nhello", "bad_chunk_extension"},
    {"5;a b\r\nhello", "bad_chunk_extension"},
    {"5;a \r\nhello", "bad_chunk_extension"},
    {"5;a=b c\r\nhello", "bad_chunk_extension"},
    {"5;a=\"b\"c\r\nhello", "bad_chunk_extension"},
    {"5;a=\"b\r\nhello", "bad_chunk_extension"},
    {"5;bad[=x\r\nhello", "bad_chunk_extension"},
    {"5;=x\r\nhello", "bad_chunk_extension"},
    {"5;\nhello", "bad_chunk_extension"},
    {"5;a\nhello", "bad_chunk_extension"},
    {"5;a=\"\n\"\r\n", "bad_chunk_extension"},
    {"5;\0ext\r\n"s, "bad_chunk_extension"},
    {"5;a=\"\0\"\r\n"s, "bad_chunk_extension"},
    {"5;a=\"\\\r\n", "bad_chunk_extension"},
    {"5 \r\nhello", "bad_chunk_extension"},
    {"5 a\r\nhello", "bad_chunk_extension"},
    {"5;a\rX\r\n", "bare_cr"},
    // Sizes.
    {"\r\n", "bad_chunk"},
    {"x\r\n", "bad_chunk"},
    {" 5\r\nhello", "bad_chunk"},
    {"+5\r\nhello", "bad_chunk"},
    {"-1\r\nhello", "bad_chunk"},
    {"0x5\r\nhello", "bad_chunk"},
    {"1_0\r\n", "bad_chunk"},
    {"5,\r\n", "bad_chunk"},
    {"\xB5\r\n", "bad_chunk"},
    {"00000000000000003\r\nabc", "bad_chunk"},
    {"FFFFFFFFFFFFFFFF0\r\nhello", "bad_chunk"},
    {"FFFFFFFFFFFFFFFF\r\nhello", "hello..."},
    {"5\nhello", "bad_chunk"},
    {"5\rhello", "bare_cr"},
    {"5\r\rhello", "bare_cr"},
    // What follows a chunk.
    {"5\r\nhello0\r\n\r\n", "bad_chunk"},
    {"5\r\nhello\n0\r\n\r\n", "bad_chunk"},
    {"5\r\nhello!!\r\n0\r\n\r\n", "bad_chunk"},
    {"5\r\nhello\r0\r\n\r\n", "bare_cr"},
    {"3\r\nfoo\r\n\r\n", "bad_chunk"},
    // Trailers.
    {"0\r\nX-Checksum: abc\r\nVary: *\r\n\r\nrest", "|rest"},
    {"0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n\r\nrest", "|rest"},
    {"0\r\nEmpty:\r\nTab:\ta\tb\r\n\r\n", "|"},
    {"0\r\n\n", "bad_trailer"},
    {"0\r\nno colon\r\n\r\n", "bad_trailer"},
    {"0\r\nX : y\r\n\r\n", "bad_trailer"},
    {"0\r\n: y\r\n\r\n", "bad_trailer"},
    {"0\r\nX: y\r\n folded\r\n\r\n", "bad_trailer"},
    {"0\r\nX: y\x01\r\n\r\n", "bad_trailer"},
    {"0\r\nX: y\n\r\n", "bare_lf"},
    {"0\r\nX: y\rz\r\n", "bare_cr"},
    {"0\r\n\rX", "bare_cr"},
    // Not yet at the end.
    {"5\r\nhello\r\n", "hello..."},
    {"5\r\nhel", "hel..."},
    {"0\r\n", "..."},
    {"0\r\n\r", "..."},
    {"0\r\nX: y\r\n", "..."},
    {"5;a=\"x", "..."},
};

TEST(BodyDecoder, JudgesChunkedBodies) {
  for (const auto& c : kChunkedCases) EXPECT_EQ(decode_chunked(c.body), c.result) << c.body;
}

TEST(BodyDecoder, PiecesOfAnySizeGiveTheSame) {
  for (const auto& c : kChunkedCases) {
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U}) {
      EXPECT_EQ(decode_chunked(c.body, piece), c.result) << piece << ": " << c.body;
    }
  }
}

TEST(BodyDecoder, LimitsExtensionsOfOneChunkAndOfAll) {
  const std::string fitting = "1;" + std::string(254, 'a') + "\r\nx\r\n";  // With ';' and CR: 255.
  const std::string end = "0\r\n\r\n";
  EXPECT_EQ(decode_chunked(fitting + end), "x|");
  EXPECT_EQ(decode_chunked("1;" + std::string(65536, 'a')), "chunk_extension_too_large");
  std::string many;
  for (int i = 0; i < 16; ++i) many += fitting;
  EXPECT_EQ(decode_chunked(many + end), std::string(16, 'x') + "|");
  EXPECT_EQ(decode_chunked(many + fitting + end), "chunk_extension_too_large");
  EXPECT_EQ(decode_chunked("1;ab\r\nx\r\n" + end, 3, {.extension_bytes = 3}), "x|");
  EXPECT_EQ(decode_chunked("1;abc\r\nx\r\n" + end, 3, {.extension_bytes = 3}),
            "chunk_extension_too_large");
}

TEST(BodyDecoder, LimitsTrailers) {
  const ChunkLimits limits{.trailer_bytes = 20, .trailer_fields = 2};
  EXPECT_EQ(decode_chunked("0\r\na: 1\r\nb: 2\r\n\r\n", 4, limits), "|");
  EXPECT_EQ(decode_chunked("0\r\na:\r\nb:\r\nc:\r\n\r\n", 4, limits), "trailers_too_large");
  EXPECT_EQ(decode_chunked("0\r\nname: " + std::string(20, 'v'), 4, limits), "trailers_too_large");
}

TEST(BodyDecoder, TakesAsMuchAsContentLengthSays) {
  const ParsedRequest request(get_with("Content-Length: 5\r\n"));
  for (const std::size_t piece : {1U, 2U, 5U, 100U}) {
    EXPECT_EQ(decode(request.head(), "helloGET /", piece), "hello|GET /") << piece;
    EXPECT_EQ(decode(request.head(), "hel", piece), "hel...") << piece;
  }
}

TEST(BodyDecoder, HasNothingToTakeWithoutABody) {
  for (const std::string_view lines : {"", "Content-Length: 0\r\n"}) {
    const ParsedRequest request(get_with(lines));
    BodyDecoder decoder(request.head());
    EXPECT_TRUE(decoder.done());
    const auto step = decoder.decode("GET /");
    ASSERT_TRUE(step);
    EXPECT_EQ(step->consumed, 0U);
  }
}

TEST(BodyDecoder, ContentIsAViewIntoTheInput) {
  const ParsedRequest request(get_with("Transfer-Encoding: chunked\r\n"));
  BodyDecoder decoder(request.head());
  const std::string_view input = "3\r\nabc\r\n0\r\n\r\n";
  const auto step = decoder.decode(input);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->content.data(), input.data() + 3);
  EXPECT_EQ(step->consumed, 6U);
}

}  // namespace
}  // namespace sluiced::http
