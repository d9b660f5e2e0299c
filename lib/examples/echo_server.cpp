// Sends back what it receives, to any number of clients, until SIGINT or SIGTERM.
//   echo_server PORT        (0: the kernel picks one; the address is printed)
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <sluice/listener.hpp>
#include <sluice/signal.hpp>
#include <sluice/task_scope.hpp>

#include "program.hpp"

namespace {

sluice::Task<void> echo(sluice::Socket client) {
  std::array<std::byte, 4096> buffer;
  while (true) {
    const auto count = co_await client.receive(buffer);
    if (!count || *count == 0) {
      co_return;
    }
    const auto sent = co_await client.send_all(std::span(buffer).first(*count));
    if (!sent) {
      co_return;
    }
  }
}

sluice::Task<void> accept_clients(sluice::Listener& listener, sluice::TaskScope& clients) {
  while (auto client = co_await listener.accept()) {
    clients.spawn(echo(std::move(*client)));
  }
}

sluice::Task<void> serve(sluice::Executor& executor, const sluice::SignalSet& signals,
                         std::uint16_t port, int& exit_status) {
  auto listening = sluice::Listener::listen(*sluice::SocketAddress::ip("127.0.0.1", port));
  if (!listening) {
    std::fprintf(stderr, "cannot listen: %s\n", listening.error().message().c_str());
    exit_status = 71;
    co_return;
  }
  sluice::Listener listener(executor, std::move(*listening));
  std::printf("Listening on %s\n",
              sluice::SocketAddress::local_of(listener.fd())->to_string().c_str());
  std::fflush(stdout);
  sluice::TaskScope clients(co_await sluice::current_context());
  clients.spawn(accept_clients(listener, clients));
  static_cast<void>(co_await signals.next());
  co_await listener.close();
  clients.cancel();
  co_await clients.join();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  const std::string_view text = argc == 2 ? argv[1] : "";
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    std::fprintf(stderr, "usage: echo_server PORT\n");
    return 64;
  }
  const auto signals = sluice::SignalSet::block({SIGINT, SIGTERM});
  if (!signals) {
    std::fprintf(stderr, "cannot block signals: %s\n", signals.error().message().c_str());
    return 71;
  }
  return run_program([&signals, port](sluice::Executor& executor, int& exit_status) {
    return serve(executor, *signals, port, exit_status);
  });
}
