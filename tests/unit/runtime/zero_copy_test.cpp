// Sends without a copy, on the real kernel.
#include <sluice/zero_copy.hpp>

#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"
#include "tcp_pair.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

Task<std::vector<std::byte>> receive_all(const Socket& socket) {
  std::vector<std::byte> all;
  std::vector<std::byte> buffer(1 << 16);
  while (const auto count = (co_await socket.receive(buffer)).value_or(0)) {
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  }
  co_return all;
}

TEST(ZeroCopy, SendAllBringsEveryByteAndEveryNotificationIsCounted) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto expected = pattern(4 << 20);
  const auto send = [&]() -> Task<Result<void>> {
    auto sent = co_await pair.near.send_all_zero_copy(expected);
    pair.near.shut_down(SHUT_WR);
    co_return sent;
  };
  loop.run([&]() -> Task<void> {
    const auto [sent, received] = co_await when_all(send(), receive_all(pair.far));
    EXPECT_TRUE(sent);
    EXPECT_TRUE(received == expected);
  }());
  const ReactorMetrics& metrics = loop.reactor().metrics();
  EXPECT_GT(metrics.zero_copy_released.value(), 0U);
  EXPECT_EQ(metrics.zero_copy_outstanding.value(), 0);
  // On the loopback the kernel copies all the same; which it tells from Linux 6.3 on.
  EXPECT_LE(metrics.zero_copy_copied.value(), metrics.zero_copy_released.value());
}

TEST(ZeroCopy, SeveralBuffersGoOutInOrder) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  loop.run([&]() -> Task<void> {
    const auto one = pattern(100);
    const auto two = pattern(200, 100);
    const iovec pieces[] = {piece_to_send(one), piece_to_send(two)};
    EXPECT_EQ(co_await pair.near.send_vectored_zero_copy(pieces), 300U);
    std::vector<std::byte> buffer(400);
    EXPECT_EQ(co_await pair.far.receive(buffer), 300U);
    buffer.resize(300);
    EXPECT_EQ(buffer, pattern(300));
  }());
}

TEST(ZeroCopy, OnAUnixSocketIsNotSupportedAndSendAllCopies) {
  Loop loop;
  const Pair pair = socket_pair();
  loop.run([&]() -> Task<void> {
    const auto bytes = pattern(100);
    EXPECT_EQ((co_await pair.near.send_zero_copy(bytes)).error(),
              std::errc::operation_not_supported);
    EXPECT_TRUE(co_await pair.near.send_all_zero_copy(bytes));
    std::vector<std::byte> buffer(100);
    EXPECT_EQ(co_await pair.far.receive(buffer), 100U);
    EXPECT_EQ(buffer, bytes);
    EXPECT_EQ((co_await Socket().send_zero_copy(bytes)).error(), std::errc::bad_file_descriptor);
    ZeroCopySender sender(pair.near);
    EXPECT_EQ((co_await sender.send(bytes)).error(), std::errc::operation_not_supported);
    co_await sender.released();
  }());
  EXPECT_EQ(loop.reactor().metrics().zero_copy_outstanding.value(), 0);
}

TEST(ZeroCopy, TwoSendersInTurnKeepTheConnectionBusyAndTheBytesInOrder) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const std::size_t total = 3 << 20;
  const auto send = [&]() -> Task<std::size_t> {
    std::vector<std::byte> buffers[2];
    ZeroCopySender senders[2] = {ZeroCopySender(pair.near), ZeroCopySender(pair.near)};
    std::size_t sent = 0;
    for (std::size_t turn = 0; sent < total; ++turn) {
      ZeroCopySender& sender = senders[turn % 2];
      co_await sender.released();
      buffers[turn % 2] = pattern(std::min<std::size_t>(64 << 10, total - sent), sent % 251);
      const auto count = co_await sender.send(buffers[turn % 2]);
      EXPECT_TRUE(count);
      if (!count) {
        break;
      }
      sent += *count;
    }
    co_await senders[0].released();
    co_await senders[1].released();
    pair.near.shut_down(SHUT_WR);
    co_return sent;
  };
  loop.run([&]() -> Task<void> {
    const auto [sent, received] = co_await when_all(send(), receive_all(pair.far));
    EXPECT_EQ(sent, total);
    EXPECT_TRUE(received == pattern(total));
  }());
}

// The peer does not read, so the second send waits for room; a deadline ends it.
TEST(ZeroCopy, CancelledSenderGetsAnErrorOrACountAndThenItsBuffer) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  std::size_t sent = 0;
  loop.run([&]() -> Task<void> {
    const auto block = pattern(16 << 20);
    {
      TaskScope others(co_await current_context());
      others.spawn([](const Socket& far, std::size_t& received) -> Task<void> {
        received = (co_await receive_all(far)).size();
      }(pair.far, sent));
      CancelScope scope;
      ZeroCopySender sender(pair.near);
      std::size_t counted = 0;
      for (int round = 0; round < 5; ++round) {
        TaskScope canceller(co_await current_context());
        canceller.spawn([](CancelScope& cancelled, int turns) -> Task<void> {
          for (; turns > 0; --turns) {
            co_await yield();
          }
          cancelled.cancel();
        }(scope, round));
        const auto count = co_await sender.send(block).within(scope);
        counted += count.value_or(0);
        EXPECT_TRUE(count || is_cancelled(count.error()));
        co_await canceller.join();
        co_await sender.released();
        scope.reset(nullptr);
      }
      pair.near.shut_down(SHUT_WR);
      co_await others.join();
      EXPECT_EQ(sent, counted);
    }
  }());
  EXPECT_EQ(loop.reactor().in_flight(), 0U);
}

}  // namespace
}  // namespace sluice::runtime_test
