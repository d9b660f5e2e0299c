// Usage: bench_load PORT CONNECTIONS SECONDS
//
// The client of the echo servers: on each connection a message of 64 bytes, its echo, the next
// message. Prints how many came back, and how long its core was busy.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

#include "meter.h"

namespace {

constexpr std::size_t kMessageBytes = 64;
using Bytes = std::array<char, kMessageBytes>;

struct Connection {
  int fd = -1;
  std::uint64_t number = 0;  // of the message that is underway
  std::size_t received = 0;
  Bytes sent{};
  Bytes echoed{};
};

void send_next(Connection& connection) {
  ++connection.number;
  connection.received = 0;
  std::memcpy(connection.sent.data(), &connection.number, sizeof(connection.number));
  const ssize_t count = ::send(connection.fd, connection.sent.data(), kMessageBytes, MSG_NOSIGNAL);
  if (count != static_cast<ssize_t>(kMessageBytes)) {
    give_up("send", count < 0 ? errno : EMSGSIZE);  // there is room: nothing else is underway
  }
}

/// True when the whole echo is here.
bool receive_more(Connection& connection) {
  const ssize_t count = ::recv(connection.fd, connection.echoed.data() + connection.received,
                               kMessageBytes - connection.received, 0);
  if (count <= 0) {
    give_up("the server ended a connection", count < 0 ? errno : ECONNRESET);
  }
  connection.received += static_cast<std::size_t>(count);
  if (connection.received < kMessageBytes) {
    return false;
  }
  if (connection.echoed != connection.sent) {
    give_up("the echo differs from the message", EBADMSG);
  }
  return true;
}

void connect_to(Connection& connection, unsigned port, int epoll) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection.fd < 0 ||
      ::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    give_up("connect", errno);
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event) != 0) {
    give_up("epoll_ctl", errno);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() != 4) {
    std::fputs("usage: bench_load PORT CONNECTIONS SECONDS\n", stderr);
    return 64;
  }
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(number_from(arguments[2]));
  for (Connection& connection : connections) {
    connect_to(connection, number_from(arguments[1]), epoll);
  }
  Meter meter = meter_start(arguments[3], 64);
  for (Connection& connection : connections) {
    send_next(connection);
  }
  std::array<epoll_event, 256> events;
  while (!meter.done) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 5000);
    if (count <= 0) {
      give_up("the server is silent", count < 0 ? errno : ETIMEDOUT);
    }
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      if (receive_more(connection) && meter_count(&meter)) {
        send_next(connection);
      }
    }
  }
  return meter_report(&meter);
}
