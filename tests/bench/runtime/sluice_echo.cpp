// The echo server of lib/examples, without the part that ends it: the benchmark kills it.
#include <array>
#include <cstddef>
#include <span>

#include <sluice/listener.hpp>
#include <sluice/socket.hpp>
#include <sluice/task_scope.hpp>

#include "sluice_subjects.hpp"

namespace {

sluice::Task<void> echo(sluice::Socket client) {
  std::array<std::byte, kBlockBytes> buffer;
  while (true) {
    const auto count = co_await client.receive(buffer);
    if (!count || *count == 0) {
      co_return;
    }
    if (!co_await client.send_all(std::span(buffer).first(*count))) {
      co_return;
    }
  }
}

sluice::Task<void> serve(sluice::Executor& executor) {
  auto listening = sluice::Listener::listen(*sluice::SocketAddress::ip("127.0.0.1", 0));
  if (!listening) {
    give_up("no socket to listen on", listening.error().value());
  }
  sluice::Listener listener(executor, std::move(*listening));
  std::printf("%u\n", sluice::SocketAddress::local_of(listener.fd())->port());
  std::fflush(stdout);
  sluice::TaskScope clients(co_await sluice::current_context());
  while (auto client = co_await listener.accept()) {
    clients.spawn(echo(std::move(*client)));
  }
  co_await clients.join();
}

}  // namespace

int serve_echo() {
  run_to_end(serve);
  return 70;
}
