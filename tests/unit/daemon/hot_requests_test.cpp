// What a request for a file in the page cache costs, besides time.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/task_scope.hpp>

#include "../runtime/counting_allocator.hpp"
#include "../runtime/support.hpp"
#include "../runtime/system_call_filter.hpp"
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

  // What has just changed is not kept as if it would stay.
  void make_old_file(const std::string& name, const std::string& content) {
    static_cast<void>(folder_.file(name, content));
    std::filesystem::last_write_time(
        folder_.path(name), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }

  TemporaryFolder folder_;
  Loop loop_;
};

// What is received until the connection ends.
sluice::Task<std::string> receive_all(const sluice::Socket& client) {
  std::string received;
  std::vector<std::byte> buffer(4096);
  while (true) {
    const auto count = co_await client.receive(buffer);
    if (!count || *count == 0) {
      co_return received;
    }
    received += text_of(std::span(buffer).first(*count));
  }
}

// Each of `requests` on a connection of its own, one after the other, the last of which it ends.
sluice::Task<void> fetch_until_the_end(HotServer& server, std::vector<std::string> requests,
                                       std::vector<std::string>& received) {
  sluice::TaskScope serving(co_await sluice::current_context());
  serving.spawn(server.run());
  for (const std::string& request : requests) {
    auto client = co_await sluice::Socket::connect(server.address());
    const auto sent = co_await client->send(bytes_of(request));
    EXPECT_EQ(sent, request.size());
    std::string answer = co_await receive_all(*client);
    received.push_back(std::move(answer));
  }
  server.begin_drain();
  co_await serving.join();
}

// The responses in `received`, which all have this body, without their Date.
std::vector<std::string> undated_heads(const std::string& received, std::string_view body) {
  std::vector<std::string> heads;
  for (std::size_t begin = 0; begin < received.size();) {
    const std::size_t end = received.find("\r\n\r\n", begin) + 4;
    if (received.compare(end, body.size(), body) != 0) {
      ADD_FAILURE() << "another body: " << received.substr(end, body.size());
      break;
    }
    heads.push_back(received.substr(begin, end - begin));
    const std::size_t date = heads.back().find("Date: ");
    heads.back().erase(date, heads.back().find("\r\n", date) - date);
    begin = end + body.size();
  }
  return heads;
}

sluice::Task<void> fetch_twice(HotServer& server, const std::string& content) {
  sluice::TaskScope serving(co_await sluice::current_context());
  serving.spawn(server.run());
  auto client = co_await sluice::Socket::connect(server.address());
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  for (int round = 0; round < 2; ++round) {
    const auto sent = co_await client->send(bytes_of("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHILD_CHECK(sent.has_value());
    std::string received;
    std::size_t body = std::string::npos;
    while (body == std::string::npos || received.size() < body + content.size()) {
      const auto count = co_await client->receive(buffer);
      CHILD_CHECK(count && *count > 0);
      received += text_of(std::span(buffer).first(*count));
      const std::size_t end = received.find("\r\n\r\n");
      body = end == std::string::npos ? end : end + 4;
    }
    CHILD_CHECK(received.substr(body) == content);
  }
  static_cast<void>(client->shut_down(SHUT_RDWR));
  server.begin_drain();
  co_await serving.join();
}

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

// The first heads are rendered, the others are that of the second, with what is a response's own.
TEST_F(HotRequests, SayTheSameOfAFileEachTime) {
  make_old_file("a.txt", "content");
  HotServer server(loop_.executor(), folder_.path());
  std::vector<std::string> received;
  loop_.run(fetch_until_the_end(server,
                                {"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                                 "GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
                                received));
  const auto heads = undated_heads(received.at(0), "content");
  ASSERT_EQ(heads.size(), 5U);
  EXPECT_NE(heads[0].find("Content-Type: text/plain"), std::string::npos) << heads[0];
  EXPECT_NE(heads[0].find("Content-Length: 7\r\n"), std::string::npos) << heads[0];
  EXPECT_EQ(heads[1], heads[0]);
  EXPECT_EQ(heads[2], heads[0]);
  const std::string lines = heads[0].substr(0, heads[0].size() - 2);
  EXPECT_EQ(heads[3], lines + "Connection: keep-alive\r\n\r\n");
  EXPECT_EQ(heads[4], lines + "Connection: close\r\n\r\n");
}

// Connections for one request make a copy of a small file as well as others do, and have it.
TEST_F(HotRequests, ThatEndTheirConnectionShareTheCopyOfASmallFile) {
  make_old_file("a.txt", "content");
  HotServer server(loop_.executor(), folder_.path());
  const std::string last = "GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::string old = "GET /a.txt HTTP/1.0\r\n\r\n";
  const std::string both = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n" + last;
  std::vector<std::string> requests(24, last);
  requests.insert(requests.end(), {old, both});
  std::vector<std::string> received;
  loop_.run(fetch_until_the_end(server, requests, received));
  std::vector<std::string> heads;
  for (const std::string& answers : received) {
    std::ranges::copy(undated_heads(answers, "content"), std::back_inserter(heads));
  }
  ASSERT_EQ(heads.size(), 27U);
  constexpr std::string_view kEnd = "Connection: close\r\n\r\n";
  ASSERT_TRUE(heads[0].ends_with(kEnd)) << heads[0];
  EXPECT_EQ(std::ranges::count(heads, heads[0]), 26);
  EXPECT_EQ(heads[25], heads[0].substr(0, heads[0].size() - kEnd.size()) + "\r\n");
  const auto& paths = server.metrics().data_paths;
  EXPECT_GT(paths.kept.value(), 0U);
  EXPECT_EQ(paths.kept.value() + paths.buffered.value(), 27U);
}

// As on a file system, or under a filter, that does not know it.
TEST(HotRequestsDeathTest, AFileThatSendfileRefusesIsSentThroughABuffer) {
  EXPECT_EXIT(
      {
        const TemporaryFolder folder;
        Loop loop;
        std::string content;
        while (content.size() < 300000) {
          content += std::to_string(content.size()) + ",";
        }
        static_cast<void>(folder.file("large", content));
        HotServer server(loop.executor(), folder.path());
        sluice::runtime_test::forbid_system_call(SYS_sendfile, EINVAL);
        loop.run(fetch_twice(server, content));
        CHILD_CHECK(server.metrics().data_paths.refused.value() == 2);
        CHILD_CHECK(server.metrics().data_paths.copied.value() >= 2 * 3);
        CHILD_CHECK(server.metrics().transfers_complete.value() == 2);
        ::_exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sluiced::serve_test
