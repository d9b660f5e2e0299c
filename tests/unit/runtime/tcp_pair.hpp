// Two ends of a TCP connection over the loopback.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <sluice/listener.hpp>
#include <sluice/socket.hpp>
#include <sluice/socket_address.hpp>

#include "support.hpp"

namespace sluice::runtime_test {

[[nodiscard]] inline Pair tcp_pair(Loop& loop) {
  const UniqueFd listening =
      Listener::listen(SocketAddress::ip("127.0.0.1", 0).value(), {}).value();
  const SocketAddress bound = SocketAddress::local_of(listening.get()).value();
  auto near = loop.run(Socket::connect(bound));
  EXPECT_TRUE(near) << near.error().message();
  pollfd ready{.fd = listening.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, -1), 1);
  UniqueFd far(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return {near ? std::move(*near) : Socket(), Socket(std::move(far))};
}

}  // namespace sluice::runtime_test
