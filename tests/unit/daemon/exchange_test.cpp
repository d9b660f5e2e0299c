#include "serve/exchange.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::serve {
namespace {

void put(InputBuffer& input, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = input.room();
    ASSERT_FALSE(room.empty());
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    input.received(count);
    bytes.remove_prefix(count);
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

TEST(InputBuffer, HasNoRoomBeyondItsLimit) {
  InputBuffer input;
  put(input, std::string(InputBuffer::kMostBytes, 'x'));
  EXPECT_TRUE(input.room().empty());
  input.consume(1);
  EXPECT_EQ(input.room().size(), 1U);
}

TEST(InputBuffer, IsEmptyOnceAllIsConsumed) {
  InputBuffer input;
  put(input, "abc");
  input.consume(3);
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.room().size(), InputBuffer::kFirstBytes);
}

TEST(ExchangePool, HandsOutAReturnedExchangeClean) {
  ExchangePool pool(1);
  Exchange* first = nullptr;
  {
    const auto lease = pool.take();
    first = lease.get();
    put(lease->input, std::string(20000, 'x'));
    lease->response.set_page(http::Status::not_found);
  }
  const auto again = pool.take();
  EXPECT_EQ(again.get(), first);
  EXPECT_TRUE(again->input.empty());
  EXPECT_EQ(again->input.room().size(), InputBuffer::kFirstBytes);
  EXPECT_TRUE(again->response.text.empty());
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
