// Sockets with direct descriptors, on the real kernel: accepted, connected, used and closed without
// a descriptor of the process, and none lost when the table is full.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/listener.hpp>
#include <sluice/receive_stream.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>
#include <sluice/zero_copy.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

class DirectSocketsTest : public FileFixture {
 protected:
  void make_table(unsigned places,
                  const SocketAddress& address = SocketAddress::ip("127.0.0.1", 0).value()) {
    table_ = DirectFiles::create(loop_.reactor().ring(), places).value();
    listener_.emplace(loop_.executor(), Listener::listen(address).value(), *table_);
    address_ = SocketAddress::local_of(listener_->fd()).value();
  }
  void TearDown() override {
    if (listener_) {
      await(close_listener());
    }
    listener_.reset();
    if (table_) {
      EXPECT_EQ(table_->in_use().value(), 0);
      EXPECT_EQ(table_->available(), table_->slots()) << "a place stays reserved";
    }
  }
  Task<void> close_listener() { co_await listener_->close(); }
  Task<Result<Socket>> accept() { co_return co_await listener_->accept(); }
  // Connects at once and without the ring; the kernel's queue takes it before anybody accepts.
  [[nodiscard]] Socket client() const {
    Socket socket(UniqueFd(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)));
    EXPECT_EQ(::connect(socket.fd(), address_.data(), address_.size()), 0);
    return socket;
  }
  // Both ends of a connection with direct descriptors.
  [[nodiscard]] Pair connected() {
    Pair pair;
    loop_.run([&]() -> Task<void> {
      auto [near, far] = co_await when_all(Socket::connect(address_, *table_), accept());
      CO_ASSERT_TRUE(near && far);
      pair.near = std::move(*near);
      pair.far = std::move(*far);
    }());
    return pair;
  }
  [[nodiscard]] std::uint64_t accepts_failed() {
    return loop_.reactor()
        .metrics()
        .failed[static_cast<std::size_t>(OperationKind::accept)]
        .value();
  }

  std::unique_ptr<DirectFiles> table_;
  std::optional<Listener> listener_;
  SocketAddress address_;
};

// What a peer that is no part of the ring gets: a byte, the end (0), or an error.
[[nodiscard]] ssize_t byte_from(const Socket& socket) {
  pollfd ready{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 60'000), 1);
  char byte = 0;
  return ::recv(socket.fd(), &byte, 1, MSG_DONTWAIT);
}

TEST_F(DirectSocketsTest, BothEndsTalkWithoutADescriptorOfTheProcess) {
  make_table(8);
  const auto before = open_descriptors();
  Pair pair = connected();
  EXPECT_TRUE(pair.near.is_open() && pair.far.is_open());
  EXPECT_TRUE(pair.near.descriptor().is_direct());
  EXPECT_TRUE(pair.far.descriptor().is_direct());
  EXPECT_EQ(pair.near.fd(), -1);
  EXPECT_EQ(pair.far.family(), AF_INET);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(table_->in_use().value(), 2);
  std::array<std::byte, 16> buffer;
  EXPECT_EQ(error_of(pair.near.wait_writable()), 0);
  EXPECT_EQ(error_of(pair.near.send_all(bytes_of("abc"))), 0);
  EXPECT_EQ(error_of(pair.far.wait_readable()), 0);
  EXPECT_EQ(await(pair.far.receive(buffer)), 3U);
  EXPECT_EQ(text_of(std::span(buffer).first(3)), "abc");
  std::array<iovec, 2> out = {piece_to_send(bytes_of("de")), piece_to_send(bytes_of("f"))};
  EXPECT_EQ(error_of(pair.far.send_all_vectored(out)), 0);
  const std::array<iovec, 2> in = {piece_to_fill(std::span(buffer).first(1)),
                                   piece_to_fill(std::span(buffer).subspan(1))};
  EXPECT_EQ(await(pair.near.receive_vectored(in)), 3U);
  EXPECT_EQ(text_of(std::span(buffer).first(3)), "def");
  EXPECT_EQ(error_of(pair.near.send_all_zero_copy(bytes_of("ghi"))), 0);
  EXPECT_EQ(await(pair.far.receive(buffer)), 3U);
  EXPECT_EQ(error_of(pair.near.close()), 0);
  EXPECT_FALSE(pair.near.is_open());
  EXPECT_EQ(table_->in_use().value(), 1);
  EXPECT_EQ(await(pair.far.receive(buffer)), 0U) << "closing comes through";
}

TEST_F(DirectSocketsTest, AZeroCopySenderSendsOnOne) {
  make_table(8);
  const Pair pair = connected();
  loop_.run([&]() -> Task<void> {
    ZeroCopySender sender(pair.near);
    const auto sent = co_await sender.send(bytes_of("bytes"));
    EXPECT_EQ(sent, 5U);
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(co_await pair.far.receive(buffer), 5U);
    co_await sender.released();
  }());
}

TEST_F(DirectSocketsTest, ShuttingDownGoesThroughTheRing) {
  make_table(8);
  const Pair pair = connected();
  EXPECT_EQ(errno_of(pair.near.shut_down(SHUT_WR)), EOPNOTSUPP);
  EXPECT_EQ(error_of(pair.near.shut_down_on_ring(SHUT_WR)), 0);
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(await(pair.far.receive(buffer)), 0U);
  EXPECT_EQ(error_of(pair.near.send(buffer)), EPIPE);
  const Pair ordinary = socket_pair();
  EXPECT_EQ(error_of(ordinary.near.shut_down_on_ring(SHUT_WR)), 0);
  EXPECT_EQ(await(ordinary.far.receive(buffer)), 0U);
}

TEST_F(DirectSocketsTest, WhatNeedsADescriptorOfTheProcessIsRefused) {
  make_table(8);
  Pair pair = connected();
  const File file = open(folder_.file("file", "content"), O_RDONLY);
  EXPECT_EQ(errno_of(pair.near.try_send_file(loop_.reactor(), file, 0, 4)), EOPNOTSUPP);
  EXPECT_EQ(errno_of(pair.near.set_no_delay()), EOPNOTSUPP);
  EXPECT_EQ(errno_of(pair.near.set_cork(true)), EOPNOTSUPP);
  EXPECT_FALSE(pair.near.has_bytes_underway());
  EXPECT_FALSE(pair.near.progress());
  EXPECT_FALSE(pair.near.release());
  EXPECT_TRUE(pair.near.is_open());
}

TEST_F(DirectSocketsTest, OnAnotherRingItIsABadDescriptor) {
  make_table(8);
  const Pair pair = connected();
  Loop other;
  std::array<std::byte, 4> buffer{};
  other.run([&]() -> Task<void> {
    EXPECT_EQ((co_await pair.near.receive(buffer)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await pair.near.send(buffer)).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await pair.near.shut_down_on_ring(SHUT_WR)).error(),
              std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await Socket::connect(address_, *table_)).error(),
              std::errc::bad_file_descriptor);
    ZeroCopySender sender(pair.near);
    const auto sent = co_await sender.send(buffer);
    EXPECT_EQ(sent.error(), std::errc::bad_file_descriptor);
  }());
}

TEST_F(DirectSocketsTest, StreamsOfBothKindsReceiveToTheEnd) {
  for (const bool is_unix : {false, true}) {
    make_table(8, is_unix ? SocketAddress::unix_path(folder_.path("s")).value()
                          : SocketAddress::ip("127.0.0.1", 0).value());
    Pair pair = connected();
    const std::vector<std::byte> sent = pattern(50'000);
    const auto send = [&]() -> Task<void> {
      EXPECT_TRUE(co_await pair.near.send_all(sent));
      EXPECT_TRUE(co_await pair.near.shut_down_on_ring(SHUT_WR));
    };
    std::vector<std::byte> received;
    const auto receive = [&]() -> Task<void> {
      const auto buffers =
          ProvidedBuffers::create(loop_.reactor(), {.count = 4, .buffer_bytes = 1024}).value();
      ReceiveStream stream(loop_.executor(), pair.far, *buffers);
      while (true) {
        const auto got = co_await stream.next();
        CO_ASSERT_TRUE(got);
        if (got->empty()) {
          break;
        }
        received.insert(received.end(), got->bytes().begin(), got->bytes().end());
      }
      co_await stream.close();
    };
    loop_.run([&]() -> Task<void> { co_await when_all(send(), receive()); }());
    EXPECT_TRUE(received == sent) << "unix: " << is_unix;
    await(close_listener());
    listener_.reset();
    // The sockets go first, and then their table.
    pair = {};
    table_.reset();
  }
}

TEST_F(DirectSocketsTest, AFullTableLosesNoConnection) {
  make_table(3);
  constexpr std::size_t kClients = 12;
  std::deque<Socket> clients;
  for (std::size_t count = 0; count < kClients; ++count) {
    clients.push_back(client());
  }
  loop_.run([&]() -> Task<void> {
    std::deque<Socket> held;
    for (std::size_t count = 0; count < kClients; ++count) {
      TaskScope tasks(co_await current_context());
      if (held.size() == 3) {
        // Nothing is to be had until a place comes free, which one does while accept() waits.
        tasks.spawn(calling([&held]() -> Task<void> {
          EXPECT_TRUE(co_await sleep_for(5ms));
          EXPECT_TRUE(co_await held.front().close());
          held.pop_front();
        }));
      }
      auto socket = co_await listener_->accept();
      co_await tasks.join();
      CO_ASSERT_TRUE(socket);
      held.push_back(std::move(*socket));
      EXPECT_TRUE(co_await held.back().send_all(bytes_of("x")));
    }
  }());
  for (const Socket& socket : clients) {
    EXPECT_EQ(byte_from(socket), 1);
  }
  EXPECT_EQ(listener_->accepted().value(), kClients);
  EXPECT_GE(listener_->backed_off().value(), kClients - 3);
  EXPECT_EQ(accepts_failed(), 0U) << "the kernel was never asked without a place";
}

TEST_F(DirectSocketsTest, APlaceThatAnAcceptHasReservedIsNotForOthers) {
  make_table(1);
  const std::string path = folder_.file("file", "");
  loop_.run([&]() -> Task<void> {
    TaskScope tasks(co_await current_context());
    tasks.spawn(calling([this]() -> Task<void> { EXPECT_TRUE(co_await listener_->accept()); }));
    co_await yield();
    EXPECT_EQ(errno_of(co_await File::open_direct(*table_, path.c_str(), O_RDONLY)), ENFILE);
    EXPECT_EQ(errno_of(co_await Socket::connect(address_, *table_)), ENFILE);
    const Socket late = client();
    co_await tasks.join();
    co_await listener_->close();
    EXPECT_EQ(errno_of(co_await File::open_direct(*table_, path.c_str(), O_RDONLY)), 0);
  }());
}

TEST_F(DirectSocketsTest, ManyAreAcceptedInOneTurn) {
  make_table(100);
  std::deque<Socket> clients;
  for (int count = 0; count < 64; ++count) {
    clients.push_back(client());
  }
  std::deque<Socket> accepted;
  const std::uint64_t before = loop_.executor().metrics().turns.value();
  loop_.run([&]() -> Task<void> {
    while (accepted.size() < 64) {
      auto socket = co_await listener_->accept();
      CO_ASSERT_TRUE(socket);
      accepted.push_back(std::move(*socket));
    }
    co_await listener_->close();
  }());
  EXPECT_LT(loop_.executor().metrics().turns.value() - before, 32U);
  EXPECT_EQ(table_->in_use().value(), 64);
}

TEST_F(DirectSocketsTest, TakesNoMoreThanTheCallerHasRoomFor) {
  make_table(100);
  std::deque<Socket> clients;
  for (int count = 0; count < 10; ++count) {
    clients.push_back(client());
  }
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept(1));
    for (int turn = 0; turn < 20; ++turn) {
      co_await yield();
    }
    EXPECT_EQ(listener_->accepted().value(), 1U);
    co_await listener_->close();
  }());
}

TEST_F(DirectSocketsTest, ATableThatFillsUpUnderLoadLosesNone) {
  make_table(50);
  constexpr std::size_t kClients = 400;
  std::deque<Socket> clients;
  const auto handle = [](Socket socket) -> Task<void> {
    EXPECT_TRUE(co_await socket.send_all(bytes_of("x")));
    co_await yield();
    EXPECT_TRUE(co_await socket.close());
  };
  loop_.run([&]() -> Task<void> {
    TaskScope handlers(co_await current_context());
    for (std::size_t count = 0; count < kClients; ++count) {
      while (clients.size() < std::min(count + 120, kClients)) {
        clients.push_back(client());
      }
      auto socket = co_await listener_->accept();
      CO_ASSERT_TRUE(socket);
      handlers.spawn(handle(std::move(*socket)));
    }
    co_await listener_->close();
    co_await handlers.join();
  }());
  for (const Socket& socket : clients) {
    EXPECT_EQ(byte_from(socket), 1);
  }
  EXPECT_EQ(accepts_failed(), 0U);
}

TEST_F(DirectSocketsTest, OneThatArrivesForAWaiterWhoLeftClosesItself) {
  make_table(4);
  Socket late;
  loop_.run([&]() -> Task<void> {
    CancelScope scope;
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      co_await yield();
      cancelled.cancel();
    }(scope));
    const auto nobody = co_await accept().within(scope);
    EXPECT_EQ(nobody.error(), std::errc::operation_canceled);
    late = client();
    while (listener_->accepted().value() == 0) {
      co_await yield();
    }
    co_await listener_->close();
  }());
  listener_.reset();
  EXPECT_EQ(table_->in_use().value(), 0);
  // The kernel lets go in work of its own; the next turns of the ring run it.
  for (int turn = 0; turn < 1000; ++turn) {
    EXPECT_TRUE(await(Operation(NopRequest())));
  }
  EXPECT_EQ(byte_from(late), 0) << "the peer sees its end";
}

TEST_F(DirectSocketsTest, AConnectThatFailsOrIsCancelledLeavesNothingOpen) {
  make_table(4);
  UniqueFd gone = Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value();
  const SocketAddress refusing = SocketAddress::local_of(gone.get()).value();
  gone.reset();
  EXPECT_EQ(error_of(Socket::connect(refusing, *table_)), ECONNREFUSED);
  EXPECT_EQ(table_->in_use().value(), 0);
  loop_.run([&]() -> Task<void> {
    CancelScope cancelled;
    cancelled.cancel();
    const auto socket = co_await Socket::connect(address_, *table_).within(cancelled);
    EXPECT_EQ(errno_of(socket), ECANCELED);
  }());
  EXPECT_EQ(table_->in_use().value(), 0);
}

TEST_F(DirectSocketsTest, ReceivesAreCancelledAndNothingIsLeft) {
  make_table(8);
  const Pair pair = connected();
  loop_.run([&]() -> Task<void> {
    TaskScope tasks(co_await current_context());
    for (int count = 0; count < 20; ++count) {
      tasks.spawn(calling([&pair]() -> Task<void> {
        std::array<std::byte, 4> buffer;
        const auto got = co_await pair.far.receive(buffer);
        EXPECT_EQ(got.error(), std::errc::operation_canceled);
      }));
    }
    co_await yield();
    co_await yield();
    tasks.cancel();
    co_await tasks.join();
  }());
  EXPECT_EQ(loop_.reactor().in_flight(), 0U);
}

TEST(DirectSocketRules, AListenerTakesTheTableOfItsOwnRing) {
  EXPECT_DEATH(
      {
        Loop here;
        Loop there;
        const auto table = DirectFiles::create(there.reactor().ring(), 1).value();
        const Listener listener(here.executor(), UniqueFd(), *table);
      },
      "broken rule: a Listener accepts into the table of its own ring");
}

}  // namespace
}  // namespace sluice::runtime_test
