#include <array>
#include <csignal>
#include <cstdlib>

#include <sluice/listener.hpp>
#include <sluice/run.hpp>
#include <sluice/task_scope.hpp>

sluice::Task<void> echo(sluice::Socket peer) {
  std::array<std::byte, 4096> buffer;
  while (auto got = co_await peer.receive(buffer)) {
    if (auto sent = co_await peer.send_all(std::span(buffer).first(*got)); !sent || !*got) break;
  }
}
sluice::Task<void> serve(std::uint16_t port) {
  const auto here = co_await sluice::current_context();
  const auto address = sluice::SocketAddress::ip("127.0.0.1", port).value();
  sluice::Listener listener(*here.executor, sluice::Listener::listen(address).value());
  sluice::TaskScope peers(here);
  while (auto peer = co_await listener.accept()) {
    peers.spawn(echo(std::move(*peer)));
  }
  co_await listener.close();
  co_await peers.join();
}
int main(int argc, char** argv) {
  return sluice::run(serve(argc > 1 ? std::atoi(argv[1]) : 7777), {SIGINT, SIGTERM}) ? 0 : 1;
}
