#include <sluice/socket.hpp>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/listener.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

UniqueFd listen_on(const SocketAddress& address, const ListenOptions& options = {}) {
  auto fd = Listener::listen(address, options);
  EXPECT_TRUE(fd) << address.to_string() << ": " << fd.error().message();
  return fd ? std::move(*fd) : UniqueFd();
}
Socket accept_one(int listening) {
  return Socket(UniqueFd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)));
}

class SocketTest : public ::testing::Test {
 protected:
  // A connected pair over the address, which is bound where its port is 0.
  Pair connected(const SocketAddress& address) {
    const UniqueFd listening = listen_on(address);
    const SocketAddress bound = SocketAddress::local_of(listening.get()).value();
    auto near = loop_.run(Socket::connect(bound));
    EXPECT_TRUE(near) << bound.to_string() << ": " << near.error().message();
    pollfd ready{.fd = listening.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ready, 1, -1), 1);
    return {near ? std::move(*near) : Socket(), accept_one(listening.get())};
  }
  Pair connected_tcp() { return connected(SocketAddress::ip("127.0.0.1", 0).value()); }
  Loop loop_;
};

TEST_F(SocketTest, ConnectsOverEveryFamilyAndTalksBothWays) {
  const TemporaryFolder folder;
  const std::string name = "@sluice-socket-" + std::to_string(::getpid());
  for (const SocketAddress& address :
       {SocketAddress::ip("127.0.0.1", 0).value(), SocketAddress::ip("::1", 0).value(),
        SocketAddress::unix_path(folder.path("s")).value(),
        SocketAddress::unix_path(name).value()}) {
    const Pair pair = connected(address);
    loop_.run([&]() -> Task<void> {
      std::array<std::byte, 16> buffer;
      EXPECT_TRUE(co_await pair.near.send_all(bytes_of("ping")));
      EXPECT_EQ(co_await pair.far.receive(buffer), 4U);
      EXPECT_EQ(text_of(std::span(buffer).first(4)), "ping");
      EXPECT_TRUE(co_await pair.far.send_all(bytes_of("pong!")));
      EXPECT_EQ(co_await pair.near.receive(buffer), 5U);
      EXPECT_EQ(text_of(std::span(buffer).first(5)), "pong!");
    }());
  }
}

TEST_F(SocketTest, WhatItConnectsIsNonBlockingAndClosedOnExec) {
  const Pair pair = connected_tcp();
  EXPECT_NE(::fcntl(pair.near.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(pair.near.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(SocketTest, ARefusedConnectionIsAnErrorAndLeavesNoDescriptor) {
  UniqueFd listening = listen_on(SocketAddress::ip("127.0.0.1", 0).value());
  const SocketAddress address = SocketAddress::local_of(listening.get()).value();
  listening.reset();
  const auto before = open_descriptors();
  for (int count = 0; count < 20; ++count) {
    EXPECT_EQ(loop_.run(Socket::connect(address)).error(), std::errc::connection_refused);
  }
  EXPECT_EQ(open_descriptors(), before);
  const auto nowhere = SocketAddress::unix_path("/no/such/folder/socket").value();
  EXPECT_EQ(loop_.run(Socket::connect(nowhere)).error(), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(loop_.run(Socket::connect(SocketAddress())));
}

// The backlog of a unix socket is a queue too: the ring waits, as the class comment says.
TEST_F(SocketTest, ConnectingToAUnixSocketWhoseBacklogIsFullWaits) {
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::unix_path(folder.path("s")).value();
  const UniqueFd listening = listen_on(address, {.backlog = 1});
  int connected = 0;
  const auto connect = [&]() -> Task<void> {
    const auto socket = co_await Socket::connect(address);
    EXPECT_TRUE(socket) << socket.error().message();
    ++connected;
  };
  const auto accept = [&]() -> Task<void> {
    for (int count = 0; count < 5; ++count) {
      for (int turn = 0; turn < 20; ++turn) {
        co_await Operation(NopRequest{});
      }
      if (!co_await Operation(PollRequest(listening.get(), POLLIN))) {
        co_return;  // all are connected
      }
      EXPECT_TRUE(accept_one(listening.get()).is_open());
    }
  };
  for (int count = 0; count < 5; ++count) {
    loop_.spawn(connect());
  }
  // With fewer clients than it waits for the acceptor would never end.
  loop_.spawn(calling([&]() -> Task<void> {
    TaskScope accepting(co_await current_context());
    accepting.spawn(accept());
    while (loop_.executor().metrics().tasks_alive.value() > 2) {
      co_await Operation(NopRequest{});
    }
    accepting.cancel();
    co_await accepting.join();
  }));
  loop_.run();
  EXPECT_EQ(connected, 5);
}

TEST_F(SocketTest, SendsSixtyFourMebibytesToASlowReader) {
  const Pair pair = connected_tcp();
  const std::size_t length = 64 << 20;
  const auto expected = pattern(length);
  const auto send = [&]() -> Task<Result<void>> {
    auto sent = co_await pair.near.send_all(expected);
    pair.near.shut_down(SHUT_WR);
    co_return sent;
  };
  const auto receive = [&]() -> Task<std::size_t> {
    std::vector<std::byte> buffer(40'009);
    std::size_t total = 0;
    while (true) {
      const auto count = co_await pair.far.receive(buffer);
      EXPECT_TRUE(count);
      if (!count || *count == 0) {
        co_return total;
      }
      EXPECT_TRUE(std::ranges::equal(std::span(buffer).first(*count),
                                     std::span(expected).subspan(total, *count)));
      total += *count;
      co_await yield();
    }
  };
  loop_.run([&]() -> Task<void> {
    const auto [sent, received] = co_await when_all(send(), receive());
    EXPECT_TRUE(sent);
    EXPECT_EQ(received, length);
  }());
}

TEST_F(SocketTest, SendingNothingIsDone) {
  const Pair pair = socket_pair();
  EXPECT_TRUE(loop_.run(pair.near.send_all({})));
}

TEST_F(SocketTest, ReceivesNothingOnceThePeerHasFinished) {
  Pair pair = connected_tcp();
  put(pair.far.fd(), "last");
  pair.far = Socket();
  loop_.run([&]() -> Task<void> {
    std::array<std::byte, 16> buffer;
    EXPECT_TRUE(co_await pair.near.wait_readable());
    EXPECT_EQ(co_await pair.near.receive(buffer), 4U);
    EXPECT_EQ(co_await pair.near.receive(buffer), 0U);
    EXPECT_EQ(co_await pair.near.receive(buffer), 0U);
  }());
}

TEST_F(SocketTest, ShuttingDownEndsAReceiveThatIsArmedAndTellsThePeer) {
  const Pair pair = connected_tcp();
  const auto receive = [](const Socket& socket) -> Task<Result<std::size_t>> {
    std::array<std::byte, 16> buffer;
    co_return co_await socket.receive(buffer);
  };
  const auto shut_down = [&]() -> Task<int> {
    for (int turn = 0; turn < 5; ++turn) {
      co_await yield();
    }
    pair.near.shut_down(SHUT_RDWR);
    co_return 0;
  };
  loop_.run([&]() -> Task<void> {
    const auto [near, far, nothing] =
        co_await when_all(receive(pair.near), receive(pair.far), shut_down());
    EXPECT_EQ(near, 0U);
    EXPECT_EQ(far, 0U);
  }());
}

TEST_F(SocketTest, APeerThatResetsIsAnErrorAndNoSignal) {
  ::signal(SIGPIPE, SIG_DFL);
  Pair pair = connected_tcp();
  const linger abort_it{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(::setsockopt(pair.far.fd(), SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it)), 0);
  pair.far = Socket();
  loop_.run([&]() -> Task<void> {
    std::array<std::byte, 16> buffer{};
    EXPECT_EQ((co_await pair.near.receive(buffer)).error(), std::errc::connection_reset);
    EXPECT_EQ((co_await pair.near.send(buffer)).error(), std::errc::broken_pipe);
    EXPECT_EQ((co_await pair.near.send_all(buffer)).error(), std::errc::broken_pipe);
    EXPECT_TRUE(co_await pair.near.wait_writable()) << "writable, or failed";
    EXPECT_TRUE(co_await pair.near.wait_readable());
  }());
}

TEST_F(SocketTest, ASendThatIsCancelledTellsWhatWentOut) {
  const Pair pair = connected_tcp();
  const auto block = pattern(64 << 20);
  std::size_t sent = 0;
  loop_.run([&]() -> Task<void> {
    CancelScope scope;
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      for (int turn = 0; turn < 10; ++turn) {
        co_await yield();
      }
      cancelled.cancel();
    }(scope));
    while (true) {
      const auto count = co_await pair.near.send(block).within(scope);
      if (!count) {
        EXPECT_TRUE(is_cancelled(count.error()));
        break;
      }
      sent += *count;
    }
    co_await others.join();
  }());
  pair.near.shut_down(SHUT_WR);
  std::size_t received = 0;
  loop_.run([&]() -> Task<void> {
    std::vector<std::byte> buffer(1 << 20);
    while (const auto count = (co_await pair.far.receive(buffer)).value_or(0)) {
      received += count;
    }
  }());
  EXPECT_EQ(received, sent);
}

TEST_F(SocketTest, SendsAFileAsFarAsThereIsRoomAndTheFileGoes) {
  const TemporaryFolder folder;
  const auto expected = pattern(10 << 20);
  const std::string path = folder.file("big", text_of(expected));
  const File file(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  const Pair pair = connected_tcp();
  bool waited = false;
  const auto send = [&]() -> Task<std::uint64_t> {
    std::uint64_t offset = 0;
    while (true) {
      const auto count = pair.near.try_send_file(loop_.reactor(), file, offset, 1 << 30);
      if (count && *count == 0) {
        break;  // the end of the file
      }
      if (count) {
        offset += *count;
        continue;
      }
      EXPECT_EQ(count.error(), std::errc::resource_unavailable_try_again);
      waited = true;
      EXPECT_TRUE(co_await pair.near.wait_writable());
    }
    pair.near.shut_down(SHUT_WR);
    co_return offset;
  };
  const auto receive = [&]() -> Task<std::vector<std::byte>> {
    std::vector<std::byte> all;
    std::vector<std::byte> buffer(1 << 18);
    while (const auto count = (co_await pair.far.receive(buffer)).value_or(0)) {
      all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    }
    co_return all;
  };
  loop_.run([&]() -> Task<void> {
    const auto [sent, received] = co_await when_all(send(), receive());
    EXPECT_EQ(sent, expected.size());
    EXPECT_TRUE(received == expected);
  }());
  EXPECT_TRUE(waited);
  EXPECT_EQ(::lseek(file.fd(), 0, SEEK_CUR), 0);
}

TEST_F(SocketTest, OneThatIsNotOpenAnswersBadDescriptor) {
  const Socket closed;
  EXPECT_FALSE(closed.is_open());
  closed.shut_down(SHUT_RDWR);
  closed.set_no_delay();
  closed.set_cork(true);
  loop_.run([&]() -> Task<void> {
    std::array<std::byte, 4> buffer{};
    EXPECT_EQ((co_await closed.receive(buffer)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await closed.send(buffer)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await closed.send_all(buffer)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await closed.wait_readable()).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await closed.wait_writable()).error(), std::errc::bad_file_descriptor);
  }());
  EXPECT_EQ(closed.try_send_file(loop_.reactor(), File(), 0, 1).error(),
            std::errc::bad_file_descriptor);
}

TEST_F(SocketTest, KnowsWhetherBytesAreUnderway) {
  for (const Pair& pair : {connected_tcp(), socket_pair()}) {
    EXPECT_FALSE(pair.near.has_bytes_underway());
    put(pair.far.fd(), "x");
    loop_.run([&]() -> Task<void> {
      EXPECT_TRUE(co_await pair.near.wait_readable());
      EXPECT_TRUE(pair.near.has_bytes_underway()) << "received and not read";
      EXPECT_TRUE(pair.near.has_unread_bytes());
      std::array<std::byte, 4> buffer;
      EXPECT_EQ(co_await pair.near.receive(buffer), 1U);
      EXPECT_FALSE(pair.near.has_bytes_underway());
    }());
  }
  const Pair pair = connected_tcp();
  const std::vector<std::byte> block(1 << 20);
  while (::send(pair.near.fd(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  EXPECT_TRUE(pair.near.has_bytes_underway()) << "sent, and the peer has no room for it";
  EXPECT_FALSE(pair.near.has_unread_bytes());
  EXPECT_FALSE(Socket().has_bytes_underway());
}

TEST_F(SocketTest, SetsNoDelayOnTcpAndNothingOnUnix) {
  const Pair tcp = connected_tcp();
  tcp.near.set_no_delay();
  int value = 0;
  socklen_t size = sizeof(value);
  ASSERT_EQ(::getsockopt(tcp.near.fd(), IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  EXPECT_EQ(value, 1);
  socket_pair().near.set_no_delay();
}

TEST_F(SocketTest, ACorkHoldsBackWhatFillsNoSegmentUntilItIsTaken) {
  const Pair tcp = connected_tcp();
  const auto unread = [&tcp] {
    int bytes = 0;
    ::ioctl(tcp.far.fd(), SIOCINQ, &bytes);
    return bytes;
  };
  tcp.near.set_no_delay();
  ASSERT_TRUE(tcp.near.set_cork(true));
  put(tcp.near.fd(), "x");
  EXPECT_EQ(unread(), 0);
  ASSERT_TRUE(tcp.near.set_cork(false));
  EXPECT_EQ(unread(), 1);
  EXPECT_FALSE(socket_pair().near.set_cork(true));
}

}  // namespace
}  // namespace sluice::runtime_test
