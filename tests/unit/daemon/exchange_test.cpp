#include "serve/exchange.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::serve {
namespace {

// As it arrives: in pieces that are no larger than a buffer that is received into.
void put(InputBuffer& input, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 2048);
    input.append(std::as_bytes(std::span(piece)));
    bytes.remove_prefix(piece.size());
  }
}

TEST(InputBuffer, KeepsBytesInOrderWhileItGrows) {
  InputBuffer input;
  std::string expected;
  for (int line = 0; line < 2000; ++line) {
    expected += "line " + std::to_string(line) + "\r\n";
  }
  put(input, expected);
  EXPECT_EQ(input.view(), expected);
}

TEST(InputBuffer, KeepsWhatIsBehindTheConsumedBytes) {
  InputBuffer input;
  std::string expected;
  for (int round = 0; round < 1000; ++round) {
    const std::string piece = "request " + std::to_string(round) + ";";
    put(input, piece);
    expected += piece;
    const std::size_t used = expected.size() / 2;
    input.consume(used);
    expected.erase(0, used);
    ASSERT_EQ(input.view(), expected);
  }
}

TEST(InputBuffer, IsFullAtItsLimitAndTakesThePieceThatReachesIt) {
  InputBuffer input;
  std::string expected(InputBuffer::kMostBytes - 1, 'x');
  put(input, expected);
  EXPECT_FALSE(input.is_full());
  const std::string last(2048, 'y');
  put(input, last);
  EXPECT_TRUE(input.is_full());
  EXPECT_EQ(input.view(), expected + last);
  input.consume(2048);
  EXPECT_FALSE(input.is_full());
}

TEST(InputBuffer, IsEmptyOnceAllIsConsumed) {
  InputBuffer input;
  put(input, "abc");
  input.consume(3);
  EXPECT_TRUE(input.empty());
}

void put(OutputBuffer& output, std::string_view head, std::string_view content) {
  std::ranges::copy(head, output.room().begin());
  output.add_head(head.size());
  std::ranges::copy(content, output.room().begin());
  output.add_content(content.size());
}

TEST(OutputBuffer, TellsTheContentOfTheLastResponseFromAllElse) {
  OutputBuffer output;
  put(output, "head", "content");
  EXPECT_EQ(output.settle_content(), 7U);
  EXPECT_FALSE(output.has_content());
  put(output, "next", "abc");
  EXPECT_EQ(output.unsent(), "headcontentnextabc");
  EXPECT_EQ(output.unsent_head_bytes(), 15U);
  output.sent(14);
  EXPECT_EQ(output.unsent_head_bytes(), 1U);
  output.sent(2);
  EXPECT_EQ(output.unsent(), "bc");
  EXPECT_EQ(output.unsent_head_bytes(), 0U);
  EXPECT_TRUE(output.has_content());
  output.sent(2);
  EXPECT_TRUE(output.empty());
  EXPECT_FALSE(output.has_content());
}

TEST(OutputBuffer, TakesBackTheLastResponseOnly) {
  OutputBuffer output;
  put(output, "head", "content");
  EXPECT_EQ(output.settle_content(), 7U);
  put(output, "next", "abc");
  output.take_back();
  EXPECT_EQ(output.unsent(), "headcontent");
  EXPECT_EQ(output.unsent_head_bytes(), 11U);
  output.sent(11);
  put(output, "head", "");
  output.take_back();
  EXPECT_TRUE(output.empty());
}

TEST(OutputBuffer, HasRoomWhileAHeadAndASmallFileFit) {
  OutputBuffer output;
  std::size_t responses = 0;
  while (output.has_room()) {
    output.add_head(OutputBuffer::kHeadBytes);
    output.add_content(OutputBuffer::kSmallFileBytes);
    ++responses;
  }
  EXPECT_GE(responses, 1U);
  EXPECT_LE(output.unsent().size(), OutputBuffer::kBytes);
}

TEST(ExchangePool, HandsOutAReturnedExchangeClean) {
  ExchangePool pool(1);
  Exchange* first = nullptr;
  {
    const auto lease = pool.take();
    first = lease.get();
    put(lease->input, std::string(20000, 'x'));
    lease->response.set_page(http::Status::not_found);
    put(lease->output, "head", "content");
  }
  const auto again = pool.take();
  EXPECT_EQ(again.get(), first);
  EXPECT_TRUE(again->input.empty());
  EXPECT_TRUE(again->response.text.empty());
  EXPECT_TRUE(again->output.empty());
}

TEST(ExchangePool, KeepsNoMoreThanItsLimit) {
  ExchangePool pool(1);
  auto one = pool.take();
  auto other = pool.take();
  EXPECT_NE(one.get(), other.get());
  one.reset();
  other.reset();  // AddressSanitizer sees it if this one is neither kept nor freed
  const auto kept = pool.take();
  EXPECT_TRUE(kept->input.empty());
}

}  // namespace
}  // namespace sluiced::serve
