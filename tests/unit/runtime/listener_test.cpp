#include <sluice/listener.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

class ListenerTest : public ::testing::Test {
 protected:
  // Connects at once and without the ring; the kernel's queue takes it before anybody accepts.
  Socket client() const {
    Socket socket(UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    connect_error_ = ::connect(socket.fd(), address_.data(), address_.size()) == 0 ? 0 : errno;
    return socket;
  }
  void connect_clients(int count) {
    for (; count > 0; --count) {
      clients_.push_back(client());
    }
  }
  Task<void> close_now() { co_await listener_->close(); }
  void TearDown() override {
    if (listener_) {
      loop_.run(close_now());
    }
  }

  Loop loop_;
  mutable int connect_error_ = 0;
  std::optional<Listener> listener_{
      std::in_place, loop_.executor(),
      Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value()};
  SocketAddress address_ = SocketAddress::local_of(listener_->fd()).value();
  std::deque<Socket> clients_;
};

TEST_F(ListenerTest, HandsOutWhatConnects) {
  connect_clients(1);
  loop_.run([&]() -> Task<void> {
    const auto socket = co_await listener_->accept();
    CO_ASSERT_TRUE(socket);
    EXPECT_NE(::fcntl(socket->fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const auto peer = SocketAddress::peer_of(socket->fd());
    EXPECT_EQ(peer->to_string(), SocketAddress::local_of(clients_[0].fd())->to_string());
    EXPECT_EQ(listener_->accepted().value(), 1U);
    EXPECT_EQ(listener_->backed_off().value(), 0U);
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, EchoesForManyClientsAtOnce) {
  constexpr int kClients = 200;
  const auto echo = [](Socket socket) -> Task<void> {
    std::array<std::byte, 64> buffer;
    while (const auto count = (co_await socket.receive(buffer)).value_or(0)) {
      EXPECT_TRUE(co_await socket.send_all(std::span(buffer).first(count)));
    }
  };
  const auto serve = [&]() -> Task<void> {
    TaskScope tasks(co_await current_context());
    while (auto socket = co_await listener_->accept()) {
      tasks.spawn(echo(std::move(*socket)));
    }
    co_await tasks.join();
  };
  int right = 0;
  const auto talk = [&](int number) -> Task<void> {
    const auto socket = co_await Socket::connect(address_);
    CO_ASSERT_TRUE(socket);
    for (int round = 0; round < 5; ++round) {
      const std::string text = std::to_string(number) + " " + std::to_string(round);
      EXPECT_TRUE(co_await socket->send_all(bytes_of(text)));
      std::array<std::byte, 64> buffer;
      std::size_t got = 0;
      while (got < text.size()) {
        const auto count = co_await socket->receive(std::span(buffer).subspan(got));
        CO_ASSERT_TRUE(count && *count > 0);
        got += *count;
      }
      right += text_of(std::span(buffer).first(got)) == text ? 1 : 0;
    }
  };
  loop_.spawn(serve());
  loop_.spawn(calling([&]() -> Task<void> {
    TaskScope clients(co_await current_context());
    for (int number = 0; number < kClients; ++number) {
      clients.spawn(talk(number));
    }
    co_await clients.join();
    co_await listener_->close();
  }));
  loop_.run();
  EXPECT_EQ(right, 5 * kClients);
  EXPECT_EQ(listener_->accepted().value(), static_cast<std::uint64_t>(kClients));
}

TEST_F(ListenerTest, RefusesOnceItIsClosed) {
  loop_.run(close_now());
  static_cast<void>(client());
  EXPECT_EQ(connect_error_, ECONNREFUSED);
  loop_.run([&]() -> Task<void> {
    for (int count = 0; count < 3; ++count) {
      const auto socket = co_await listener_->accept();
      EXPECT_TRUE(!socket && is_cancelled(socket.error()));
    }
  }());
}

TEST_F(ListenerTest, WhatWasAcceptedBeforeItClosedIsStillHandedOut) {
  connect_clients(6);
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept());
    while (listener_->accepted().value() < 6) {
      co_await yield();
    }
    co_await listener_->close();
    for (int count = 0; count < 5; ++count) {
      EXPECT_TRUE(co_await listener_->accept());
    }
    EXPECT_FALSE(co_await listener_->accept());
  }());
}

TEST_F(ListenerTest, TakesMoreThanItKeepsAndLosesNone) {
  connect_clients(400);
  int taken = 0;
  loop_.run([&]() -> Task<void> {
    for (; taken < 400; ++taken) {
      auto socket = co_await listener_->accept();
      CO_ASSERT_TRUE(socket);
      if (taken % 50 == 0) {
        for (int turn = 0; turn < 20; ++turn) {
          co_await yield();  // lets them pile up
        }
      }
    }
    co_await listener_->close();
  }());
  EXPECT_EQ(taken, 400);
}

TEST_F(ListenerTest, LeavesToTheKernelWhatTheCallerHasNoRoomFor) {
  connect_clients(50);
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept(1));
    for (int turn = 0; turn < 20; ++turn) {
      co_await yield();
    }
    EXPECT_EQ(listener_->accepted().value(), 1U);
    EXPECT_TRUE(co_await listener_->accept());  // room again: all of them at once
    EXPECT_EQ(listener_->accepted().value(), 50U);
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, HandsOutWhoHasComeBehindAnotherWithoutWaiting) {
  constexpr auto kNobody = std::errc::resource_unavailable_try_again;
  EXPECT_EQ(listener_->try_accept().error(), kNobody);
  connect_clients(5);
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept(1));
    for (int count = 2; count <= 5; ++count) {
      const auto socket = listener_->try_accept();
      CO_ASSERT_TRUE(socket);
      EXPECT_NE(::fcntl(socket->fd(), F_GETFL) & O_NONBLOCK, 0);
      EXPECT_EQ(listener_->accepted().value(), static_cast<std::uint64_t>(count));
    }
    EXPECT_EQ(listener_->try_accept().error(), kNobody);
    connect_clients(1);
    EXPECT_TRUE(co_await listener_->accept(1));
    co_await listener_->close();
    EXPECT_TRUE(is_cancelled(listener_->try_accept().error()));
  }());
}

TEST_F(ListenerTest, StopsTakingManyWhenRoomRunsOut) {
  connect_clients(1);
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept());
    connect_clients(3);
    // The accept of many that is still armed may have taken these three, but none after them.
    EXPECT_TRUE(co_await listener_->accept(1));
    const auto before = listener_->accepted().value();
    for (int turn = 0; turn < 20; ++turn) {
      co_await yield();
    }
    connect_clients(50);
    for (int turn = 0; turn < 20; ++turn) {
      co_await yield();
    }
    EXPECT_EQ(listener_->accepted().value(), before);
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, ConnectionsWaitWhileNobodyAccepts) {
  loop_.run([&]() -> Task<void> {
    for (int round = 0; round < 20; ++round) {
      connect_clients(2);
      EXPECT_TRUE(co_await listener_->accept());
      co_await yield();
      EXPECT_TRUE(co_await listener_->accept());
      co_await yield();
    }
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, ClosingWakesWhoAccepts) {
  const auto accept = [&]() -> Task<Result<Socket>> { co_return co_await listener_->accept(); };
  const auto close = [&]() -> Task<void> {
    co_await yield();
    co_await yield();
    co_await listener_->close();
  };
  loop_.run([&]() -> Task<void> {
    const auto [socket, nothing] = co_await when_all(accept(), close());
    EXPECT_TRUE(!socket && is_cancelled(socket.error()));
  }());
}

TEST_F(ListenerTest, AnAcceptIsCancelledWithItsScopeAndTheNextGoesOn) {
  loop_.run([&]() -> Task<void> {
    const auto accept = [&]() -> Task<Result<Socket>> { co_return co_await listener_->accept(); };
    TaskScope others(co_await current_context());
    CancelScope scope;
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      co_await yield();
      cancelled.cancel();
    }(scope));
    const auto cancelled = co_await accept().within(scope);
    EXPECT_TRUE(!cancelled && is_cancelled(cancelled.error()));
    const auto at_once = co_await accept().within(scope);
    EXPECT_TRUE(!at_once && is_cancelled(at_once.error()));
    connect_clients(1);
    EXPECT_TRUE(co_await listener_->accept());
    co_await others.join();
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, CancellingAcceptsAsConnectionsComeLosesNone) {
  std::mt19937 random(5);
  loop_.run([&]() -> Task<void> {
    int taken = 0;
    const auto accept = [&]() -> Task<void> {
      const auto socket = co_await listener_->accept();
      taken += socket ? 1 : 0;
    };
    const auto disturb = [&](CancelScope& scope) -> Task<void> {
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      connect_clients(1);
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      scope.cancel();
    };
    for (int round = 0; round < 300; ++round) {
      TaskScope tasks(co_await current_context());
      tasks.spawn(accept());
      tasks.spawn(disturb(tasks.cancel_scope()));
      co_await tasks.join();
    }
    EXPECT_GT(taken, 0);
    while (taken < 300) {
      const int before = taken;
      co_await accept();
      CO_ASSERT_TRUE(taken == before + 1);
    }
    co_await listener_->close();
  }());
  EXPECT_EQ(listener_->accepted().value(), 300U);
}

TEST_F(ListenerTest, ASocketThatWillNeverAcceptAgainSaysSo) {
  ASSERT_EQ(::shutdown(listener_->fd(), SHUT_RDWR), 0);
  loop_.run([&]() -> Task<void> {
    EXPECT_EQ((co_await listener_->accept()).error(), std::errc::invalid_argument);
    EXPECT_EQ((co_await listener_->accept()).error(), std::errc::invalid_argument);
    co_await listener_->close();
  }());
}

TEST_F(ListenerTest, WhatIsNoListeningSocketSaysSo) {
  Listener none(loop_.executor(), UniqueFd());
  Listener deaf(loop_.executor(), UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  Listener datagrams(loop_.executor(), UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  loop_.run([&]() -> Task<void> {
    EXPECT_EQ((co_await none.accept()).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ((co_await deaf.accept()).error(), std::errc::invalid_argument);
    EXPECT_EQ((co_await datagrams.accept()).error(), std::errc::operation_not_supported);
    co_await none.close();
    co_await deaf.close();
    co_await datagrams.close();
  }());
}

TEST_F(ListenerTest, CanBeClosedTwice) {
  connect_clients(1);
  loop_.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener_->accept());
    co_await listener_->close();
    co_await listener_->close();
  }());
}

[[noreturn]] void close_from_two_tasks() {
  ::alarm(5);  // a closer that is forgotten waits for ever
  Loop loop;
  Listener listener(loop.executor(),
                    Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
  int closed = 0;
  const auto accept = [&]() -> Task<void> { static_cast<void>(co_await listener.accept()); };
  const auto close = [&]() -> Task<void> {
    co_await yield();
    co_await listener.close();
    ++closed;
  };
  loop.spawn(accept());
  loop.spawn(close());
  loop.spawn(close());
  loop.run();
  CHILD_CHECK(closed == 2);
  ::_exit(0);
}

TEST(ListenerClosing, FromTwoTasksEndsBoth) {
  EXPECT_EXIT(close_from_two_tasks(), ::testing::ExitedWithCode(0), "");
}

void leave_armed() {
  Loop loop;
  auto listener = std::make_unique<Listener>(
      loop.executor(), Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
  loop.run([&]() -> Task<void> {
    CancelScope scope;
    const auto accept = [&]() -> Task<void> { static_cast<void>(co_await listener->accept()); };
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      cancelled.cancel();
    }(scope));
    co_await accept().within(scope);
    co_await others.join();
    listener.reset();
  }());
}

void accept_twice_at_once() {
  Loop loop;
  Listener listener(loop.executor(),
                    Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
  const auto accept = [&]() -> Task<void> { static_cast<void>(co_await listener.accept()); };
  loop.spawn(accept());
  loop.spawn(accept());
  loop.run();
}

TEST(ListenerDeathTest, EndingWhileItIsArmedAborts) {
  EXPECT_DEATH(leave_armed(), "broken rule: a Listener is closed, and its accept awaited");
}

TEST(ListenerDeathTest, TwoWhoAcceptAtOnceAbort) {
  EXPECT_DEATH(accept_twice_at_once(), "broken rule: one coroutine at a time accepts");
}

}  // namespace
}  // namespace sluice::runtime_test
