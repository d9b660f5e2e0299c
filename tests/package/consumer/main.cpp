// Uses something of every floor of the installed runtime: a file, sockets, timers, shards, a pool
// of blocking threads. Prints "ok" when all of it did what it should.
#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

#include <sluice/blocking_pool.hpp>
#include <sluice/combinators.hpp>
#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/listener.hpp>
#include <sluice/operations.hpp>
#include <sluice/shard.hpp>
#include <sluice/signal.hpp>
#include <sluice/sync.hpp>

namespace {

using namespace std::chrono_literals;
using sluice::Result;
using sluice::Task;

Task<Result<void>> greet(sluice::Listener& listener) {
  const auto client = co_await listener.accept();
  if (!client) {
    co_return std::unexpected(client.error());
  }
  co_return co_await client->send_all(std::as_bytes(std::span(std::string_view("hello"))));
}

Task<Result<std::size_t>> call(const sluice::SocketAddress& address) {
  const auto socket = co_await sluice::Socket::connect(address);
  if (!socket) {
    co_return std::unexpected(socket.error());
  }
  std::array<std::byte, 16> buffer;
  std::size_t total = 0;
  while (true) {
    const auto count = co_await socket->receive(buffer);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      break;
    }
    total += *count;
  }
  co_return total;
}

Task<bool> talks(sluice::Executor& executor) {
  auto socket = sluice::Listener::listen(*sluice::SocketAddress::ip("127.0.0.1", 0));
  if (!socket) {
    co_return false;
  }
  sluice::Listener listener(executor, std::move(*socket));
  const auto address = *sluice::SocketAddress::local_of(listener.fd());
  auto [greeted, received] = co_await sluice::when_all(
      greet(listener), sluice::with_deadline(executor.now() + 1min, call(address)));
  co_await listener.close();
  co_return greeted.has_value() && received == 5U;
}

Task<bool> reads() {
  auto opened = co_await sluice::File::open("/proc/self/exe", O_RDONLY);
  if (!opened) {
    co_return false;
  }
  const sluice::File file(std::move(*opened));
  std::array<std::byte, 4> magic{};
  const auto count = co_await file.read_exact_at(magic, 0);
  const auto nothing = co_await sluice::Operation(sluice::NopRequest{});
  co_return count == 4U && nothing&& magic[1] == std::byte{'E'} && file.status().has_value();
}

Task<bool> computes(sluice::ShardSet& shards, sluice::BlockingPool& pool) {
  const unsigned there =
      co_await shards.submit_to(1, [](sluice::Shard& shard) { return shard.index(); });
  const auto slow = co_await pool.run([] { return 42; });
  const auto slept = co_await sluice::sleep_for(1ms);
  co_await sluice::yield();
  co_return there == 1 && slow == 42 && slept;
}

Task<void> use_everything(sluice::Executor& executor, sluice::ShardSet& shards,
                          sluice::BlockingPool& pool, bool& all_well) {
  const auto [first, second, third] =
      co_await sluice::when_all(talks(executor), reads(), computes(shards, pool));
  all_well = first && second && third;
}

}  // namespace

int main() {
  auto ring = sluice::KernelRing::create({});
  auto shards = sluice::ShardSet::start({.count = 2, .ring = {}, .reactor = {}, .executor = {}});
  if (!ring || !shards) {
    const auto& error = ring ? shards.error() : ring.error();
    std::fprintf(stderr, "%s\n", error.explanation.c_str());
    return 69;
  }
  sluice::BlockingPool pool(sluice::BlockingPoolOptions{});
  sluice::Reactor reactor(std::move(*ring));
  sluice::Executor executor(reactor);
  bool all_well = executor.enable_messages().has_value();
  executor.spawn(use_everything(executor, **shards, pool, all_well));
  executor.run();
  std::puts(all_well ? "ok" : "something is not as it should be");
  return all_well ? 0 : 1;
}
