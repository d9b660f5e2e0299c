// How large files share the turns of the loop.
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "../runtime/support.hpp"
#include "hot_server.hpp"
#include "serve/outlet.hpp"

namespace sluiced::serve_test {
namespace {

using sluice::runtime_test::bytes_of;
using sluice::runtime_test::Loop;
using sluice::runtime_test::TemporaryFolder;

constexpr int kClients = 24;
constexpr std::size_t kFileBytes = std::size_t{3} * 1024 * 1024;

sluice::Task<void> fetch(HotServer& server, int& running, std::uint64_t& received) {
  auto client = co_await sluice::Socket::connect(server.address());
  const auto sent = co_await client->send(
      bytes_of("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(sent);
  std::vector<std::byte> buffer(std::size_t{1024} * 1024);
  while (true) {
    const auto count = co_await client->receive(buffer);
    if (!count || *count == 0) {
      break;
    }
    received += *count;
  }
  --running;
}

TEST(BulkTurn, LargeFilesOfAllConnectionsSendSoMuchInATurnAndNoMore) {
  const TemporaryFolder folder;
  static_cast<void>(folder.file("large", std::string(kFileBytes, 'x')));
  Loop loop;
  HotServer server(loop.executor(), folder.path());
  std::uint64_t most_in_a_turn = 0;
  std::uint64_t received = 0;
  loop.run([&]() -> sluice::Task<void> {
    sluice::TaskScope tasks(co_await sluice::current_context());
    tasks.spawn(server.run());
    int running = kClients;
    for (int client = 0; client < kClients; ++client) {
      tasks.spawn(fetch(server, running, received));
    }
    std::uint64_t before = 0;
    while (running > 0) {
      co_await sluice::yield();
      const std::uint64_t now = server.metrics().response_body_bytes.value();
      most_in_a_turn = std::max(most_in_a_turn, now - before);
      before = now;
    }
    server.begin_drain();
    co_await tasks.join();
  }());
  EXPECT_GT(received, kClients * kFileBytes);
  EXPECT_LE(most_in_a_turn, serve::kBulkBytesPerTurn);
  EXPECT_GT(most_in_a_turn, serve::kBulkBytesPerTurn / 8);
}

}  // namespace
}  // namespace sluiced::serve_test
