// Operations on several buffers at once, datagrams, readiness, and deadlines on all of them.
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/datagram_socket.hpp>
#include <sluice/listener.hpp>
#include <sluice/socket.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"
#include "tcp_pair.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(SocketMessages, FillsSeveralBuffersInOrder) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  loop.run([&]() -> Task<void> {
    put(pair.far.fd(), "onetwothree");
    std::array<std::byte, 3> one{};
    std::array<std::byte, 3> two{};
    std::array<std::byte, 100> three{};
    const iovec pieces[] = {piece_to_fill(one), {}, piece_to_fill(two), piece_to_fill(three)};
    EXPECT_EQ(co_await pair.near.receive_vectored(pieces), 11U);
    EXPECT_EQ(text_of(one), "one");
    EXPECT_EQ(text_of(two), "two");
    EXPECT_EQ(text_of(std::span(three).first(5)), "three");
    pair.far.shut_down(SHUT_WR);
    EXPECT_EQ(co_await pair.near.receive_vectored(pieces), 0U);
  }());
}

TEST(SocketMessages, SendsManyPiecesWholeToASlowReader) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto block = pattern(6 << 20);
  // More pieces than one operation takes, empty ones and large ones among them.
  std::vector<iovec> pieces;
  std::size_t offset = 0;
  for (std::size_t number = 0; offset < block.size(); ++number) {
    const std::size_t length = std::min(
        number % 7 == 0 ? 0 : (number % 100 == 1 ? 400'000 : number), block.size() - offset);
    pieces.push_back(piece_to_send(std::span(block).subspan(offset, length)));
    offset += length;
  }
  EXPECT_GT(pieces.size(), kMostPieces);
  const auto send = [&]() -> Task<Result<void>> {
    auto sent = co_await pair.near.send_all_vectored(pieces);
    pair.near.shut_down(SHUT_WR);
    co_return sent;
  };
  const auto receive = [&]() -> Task<std::vector<std::byte>> {
    std::vector<std::byte> all;
    std::vector<std::byte> buffer(40'009);
    while (const auto count = (co_await pair.far.receive(buffer)).value_or(0)) {
      all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    }
    co_return all;
  };
  loop.run([&]() -> Task<void> {
    const auto [sent, received] = co_await when_all(send(), receive());
    EXPECT_TRUE(sent);
    EXPECT_TRUE(received == block);
  }());
  EXPECT_TRUE(std::ranges::all_of(pieces, [](const iovec& left) { return left.iov_len == 0; }));
}

TEST(SocketMessages, NothingToSendIsDoneAndTooManyPiecesAtOnceAreRefused) {
  Loop loop;
  const Pair pair = socket_pair();
  loop.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await pair.near.send_all_vectored({}));
    std::array<iovec, 3> empty{};
    EXPECT_TRUE(co_await pair.near.send_all_vectored(empty));
    const std::vector<iovec> many(kMostPieces + 1);
    EXPECT_EQ((co_await pair.near.send_vectored(many)).error(), std::errc::message_size);
    EXPECT_EQ((co_await Socket().send_vectored(empty)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await Socket().receive_vectored(empty)).error(), std::errc::bad_file_descriptor);
  }());
}

TEST(SocketMessages, APieceWiseSendToAPeerThatIsGoneTellsWhatIsLeft) {
  Loop loop;
  Pair pair = socket_pair();
  pair.far = Socket();
  loop.run([&]() -> Task<void> {
    const auto bytes = pattern(10);
    std::array<iovec, 1> pieces{piece_to_send(bytes)};
    const auto sent = co_await pair.near.send_all_vectored(pieces);
    EXPECT_EQ(sent.error(), std::errc::broken_pipe);
    EXPECT_EQ(pieces[0].iov_len, 10U);
  }());
}

TEST(SocketMessages, PollTellsWhichEventsCame) {
  Loop loop;
  Pair pair = socket_pair();
  loop.run([&]() -> Task<void> {
    EXPECT_EQ(co_await pair.near.poll(POLLIN | POLLOUT), std::size_t{POLLOUT});
    put(pair.far.fd(), "x");
    EXPECT_EQ(co_await pair.near.poll(POLLIN | POLLOUT), std::size_t{POLLIN | POLLOUT});
    pair.far = Socket();
    const auto events = co_await pair.near.poll(POLLIN);
    EXPECT_NE(events.value_or(0) & POLLHUP, 0U);
  }());
}

TEST(SocketMessages, EveryWaitOnASocketEndsAtItsDeadline) {
  Loop loop;
  const Pair pair = socket_pair();
  const std::vector<std::byte> block(1 << 20);
  while (::send(pair.near.fd(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  loop.run([&]() -> Task<void> {
    const auto soon = [&loop] { return loop.executor().now() + 1ms; };
    std::array<std::byte, 8> buffer;
    const std::array<iovec, 1> in{piece_to_fill(buffer)};
    std::array<iovec, 1> out{piece_to_send(block)};
    const auto late = std::errc::timed_out;
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.receive(buffer))).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.receive_vectored(in))).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.send(block))).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.send_vectored(out))).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.send_all_vectored(out))).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.wait_readable())).error(), late);
    EXPECT_EQ((co_await with_deadline(soon(), pair.near.wait_writable())).error(), late);
    Event event;
    EXPECT_EQ((co_await with_deadline(soon(), event.wait())).error(), late);
  }());
}

TEST(SocketMessages, AcceptAndConnectEndAtTheirDeadlines) {
  Loop loop;
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::unix_path(folder.path("s")).value();
  loop.run([&]() -> Task<void> {
    Listener listener(loop.executor(), Listener::listen(address, {.backlog = 0}).value());
    const auto nobody = co_await with_deadline(loop.executor().now() + 1ms, listener.accept());
    EXPECT_EQ(nobody.error(), std::errc::timed_out);
    co_await listener.close();
    // A listening socket nobody accepts from: its queue is full after one connection.
    const UniqueFd full = Listener::listen(address, {.backlog = 0}).value();
    const auto first = co_await Socket::connect(address);
    EXPECT_TRUE(first);
    const auto before = open_descriptors();
    const auto refused =
        co_await with_deadline(loop.executor().now() + 1ms, Socket::connect(address));
    EXPECT_EQ(refused.error(), std::errc::timed_out);
    EXPECT_EQ(open_descriptors(), before);
  }());
}

// The kernel tries again and again to connect to a full unix socket before it waits for room, and a
// cancel that comes meanwhile must not be lost.
TEST(SocketMessages, AConnectThatHasToWaitEndsWheneverItIsCancelled) {
  Loop loop;
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::unix_path(folder.path("s")).value();
  const UniqueFd full = Listener::listen(address, {.backlog = 0}).value();
  loop.run([&]() -> Task<void> {
    const auto first = co_await Socket::connect(address);
    EXPECT_TRUE(first);
    for (int microseconds = 0; microseconds < 300; ++microseconds) {
      co_await yield();
      const auto deadline = loop.executor().now() + std::chrono::microseconds(microseconds);
      const auto refused = co_await with_deadline(deadline, Socket::connect(address));
      EXPECT_EQ(refused.error(), std::errc::timed_out);
    }
  }());
}

class DatagramTest : public ::testing::Test {
 protected:
  static DatagramSocket bind_to(const SocketAddress& address) {
    auto socket = DatagramSocket::bind(address);
    EXPECT_TRUE(socket) << socket.error().message();
    return std::move(*socket);
  }
  Loop loop_;
};

TEST_F(DatagramTest, EachComesWholeWithTheAddressOfItsSender) {
  const TemporaryFolder folder;
  const SocketAddress any = SocketAddress::ip("127.0.0.1", 0).value();
  const SocketAddress any6 = SocketAddress::ip("::1", 0).value();
  const std::array<std::array<SocketAddress, 2>, 3> addresses = {
      {{any, any},
       {any6, any6},
       {SocketAddress::unix_path(folder.path("a")).value(),
        SocketAddress::unix_path(folder.path("b")).value()}}};
  for (const auto& [near_address, far_address] : addresses) {
    const DatagramSocket near = bind_to(near_address);
    const DatagramSocket far = bind_to(far_address);
    const SocketAddress near_name = SocketAddress::local_of(near.fd()).value();
    const SocketAddress far_name = SocketAddress::local_of(far.fd()).value();
    loop_.run([&]() -> Task<void> {
      EXPECT_EQ(co_await near.send_to(bytes_of("one"), far_name), 3U);
      EXPECT_EQ(co_await near.send_to(bytes_of("second"), far_name), 6U);
      std::array<std::byte, 4> buffer;
      const auto first = co_await far.receive_from(buffer);
      EXPECT_EQ(first->length_bytes, 3U);
      EXPECT_FALSE(first->is_truncated);
      EXPECT_EQ(first->from.to_string(), near_name.to_string());
      const auto second = co_await far.receive_from(buffer);
      EXPECT_EQ(second->length_bytes, 4U);
      EXPECT_TRUE(second->is_truncated);
      EXPECT_EQ(text_of(buffer), "seco");
      EXPECT_EQ(co_await far.send_to(bytes_of("back"), second->from), 4U);
      EXPECT_EQ((co_await near.receive_from(buffer))->from.to_string(), far_name.to_string());
    }());
  }
}

TEST_F(DatagramTest, ASendToAUnixSocketThatHasNoRoomSaysSo) {
  const TemporaryFolder folder;
  const SocketAddress name = SocketAddress::unix_path(folder.path("s")).value();
  const DatagramSocket full = bind_to(name);
  const DatagramSocket near = bind_to(SocketAddress::unix_path(folder.path("n")).value());
  while (::sendto(near.fd(), "x", 1, MSG_DONTWAIT, name.data(), name.size()) == 1) {
  }
  loop_.run([&]() -> Task<void> {
    const auto refused = co_await near.send_to(bytes_of("y"), name);
    EXPECT_EQ(refused.error(), std::errc::resource_unavailable_try_again);
  }());
}

TEST_F(DatagramTest, ErrorsAreValues) {
  const DatagramSocket socket = bind_to(SocketAddress::ip("127.0.0.1", 0).value());
  const SocketAddress name = SocketAddress::local_of(socket.fd()).value();
  EXPECT_EQ(DatagramSocket::bind(name).error(), std::errc::address_in_use);
  EXPECT_FALSE(DatagramSocket::bind(SocketAddress()));
  loop_.run([&]() -> Task<void> {
    const std::vector<std::byte> huge(100'000);
    EXPECT_EQ((co_await socket.send_to(huge, name)).error(), std::errc::message_size);
    std::array<std::byte, 4> buffer;
    const auto late =
        co_await with_deadline(loop_.executor().now() + 1ms, socket.receive_from(buffer));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    EXPECT_EQ((co_await DatagramSocket().receive_from(buffer)).error(),
              std::errc::bad_file_descriptor);
  }());
}

}  // namespace
}  // namespace sluice::runtime_test
