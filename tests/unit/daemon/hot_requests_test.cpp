// What a request for a file in the page cache costs, besides time.
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/task_scope.hpp>

#include "../runtime/counting_allocator.hpp"
#include "../runtime/support.hpp"
#include "hot_server.hpp"

namespace sluiced::serve_test {
namespace {

using sluice::runtime_test::allocations_made;
using sluice::runtime_test::bytes_of;
using sluice::runtime_test::Loop;
using sluice::runtime_test::TemporaryFolder;
using sluice::runtime_test::text_of;

constexpr int kRounds = 400;
constexpr int kWarmRounds = 200;

class HotRequests : public ::testing::Test {
 protected:
  // Sends `request` again and again, waits each time for `answers` responses with bodies of
  // `body_bytes`, and returns how much was allocated once all was warm.
  std::uint64_t allocations_of(std::string request, std::size_t body_bytes, std::size_t answers) {
    HotServer server(loop_.executor(), folder_.path());
    std::uint64_t allocated = 0;
    loop_.run(run(server, std::move(request), body_bytes, answers, allocated));
    EXPECT_EQ(server.metrics().transfers_complete.value(), kRounds * answers);
    return allocated;
  }

  static sluice::Task<void> run(HotServer& server, std::string request, std::size_t body_bytes,
                                std::size_t answers, std::uint64_t& allocated) {
    sluice::TaskScope serving(co_await sluice::current_context());
    serving.spawn(server.run());
    auto client = co_await sluice::Socket::connect(server.address());
    std::vector<std::byte> buffer(std::size_t{128} * 1024);
    std::size_t response_bytes = 0;  // of all answers to one round; all rounds are alike
    std::uint64_t before = 0;
    for (int round = 0; round < kRounds; ++round) {
      if (round == kWarmRounds) {
        before = allocations_made();
      }
      const auto sent = co_await client->send(bytes_of(request));
      EXPECT_EQ(sent, request.size());
      std::size_t received = 0;
      while (received == 0 || received < response_bytes) {
        const auto count = co_await client->receive(buffer);
        if (!count || *count == 0) {
          ADD_FAILURE() << "the connection has ended in round " << round;
          serving.cancel();
          co_await serving.join();
          co_return;
        }
        if (response_bytes == 0) {
          const std::string_view text = text_of(std::span(buffer).first(*count));
          EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text.substr(0, 100);
          response_bytes = (text.find("\r\n\r\n") + 4 + body_bytes) * answers;
        }
        received += *count;
      }
      EXPECT_EQ(received, response_bytes);
    }
    allocated = allocations_made() - before;
    static_cast<void>(client->shut_down(SHUT_RDWR));
    server.begin_drain();
    co_await serving.join();
  }

  TemporaryFolder folder_;
  Loop loop_;
};

TEST_F(HotRequests, AllocateNothingForASmallFile) {
  static_cast<void>(folder_.file("small", std::string(1024, 'x')));
  EXPECT_EQ(allocations_of("GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 1024, 1), 0U);
}

TEST_F(HotRequests, AllocateNothingForAFileThatIsSentFromThePageCache) {
  static_cast<void>(folder_.file("large", std::string(65536, 'x')));
  EXPECT_EQ(allocations_of("GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 65536, 1), 0U);
}

TEST_F(HotRequests, AllocateNothingWhenTheyArePipelined) {
  static_cast<void>(folder_.file("small", std::string(1024, 'x')));
  std::string requests;
  for (int count = 0; count < 8; ++count) {
    requests += "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  EXPECT_EQ(allocations_of(requests, 1024, 8), 0U);
}

TEST_F(HotRequests, AllocateNothingForAHeadOnly) {
  static_cast<void>(folder_.file("small", std::string(1024, 'x')));
  EXPECT_EQ(allocations_of("HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1), 0U);
}

}  // namespace
}  // namespace sluiced::serve_test
