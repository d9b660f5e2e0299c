#include "serve/server.hpp"

#include <chrono>
#include <ctime>
#include <memory>

#include <sluice/timer.hpp>

namespace sluiced::serve {

http::FileTime WallClock::read() noexcept {
  // Coarse: a few milliseconds behind, at a quarter of the price; HTTP dates have whole seconds.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

namespace {
// Enough for the requests that are looked at in one turn; connections beyond that make new ones.
constexpr std::size_t kExchangesKept = 256;
constexpr sluice::Duration kPauseWhenFull = std::chrono::milliseconds(20);
}  // namespace

Server::Server(sluice::Executor& executor, Handler& handler, const config::Limits& limits,
               const config::Timeouts& timeouts, observe::ServerMetrics& metrics)
    : context_{.executor = executor,
               .handler = handler,
               .limits = limits,
               .timeouts = timeouts,
               .metrics = metrics,
               .exchanges = ExchangePool(kExchangesKept),
               .clock = {},
               .draining = false} {}

sluice::Task<void> Server::run(std::vector<ListeningSocket> sockets) {
  std::vector<std::unique_ptr<Intake>> intakes;
  sluice::TaskScope scope(co_await sluice::current_context());
  for (ListeningSocket& socket : sockets) {
    intakes.push_back(std::make_unique<Intake>(context_.executor, std::move(socket),
                                               context_.metrics.accept_back_offs));
    scope.spawn(accept_connections(*intakes.back(), scope));
  }
  // Cancelled means that there is no time left for draining.
  static_cast<void>(co_await drain_.wait());
  context_.draining = true;
  for (const auto& intake : intakes) {
    co_await intake->listener.close();
  }
  connections_.for_each([](Connection& connection) { connection.drain(); });
  co_await scope.join();
}

void Server::begin_drain() noexcept { drain_.set(); }

sluice::Task<void> Server::accept_connections(Intake& intake, sluice::TaskScope& scope) {
  while (true) {
    // The connection that makes room may be another shard's, so this is asked again and again; only
    // a listener that is full does so.
    while (intake.limit->is_reached() && !context_.draining) {
      if (!co_await sluice::sleep_for(kPauseWhenFull)) {
        break;
      }
    }
    auto socket = co_await intake.listener.accept(intake.limit->room());
    if (!socket) {
      co_return;
    }
    context_.metrics.accepted.add();
    intake.limit->came();
    scope.spawn(serve_connection(std::move(*socket), intake));
  }
}

sluice::Task<void> Server::serve_connection(sluice::Socket socket, Intake& intake) {
  {
    Connection connection(context_, co_await sluice::current_context(), std::move(socket),
                          intake.index);
    connections_.push_back(connection);
    co_await connection.run();
  }
  intake.limit->went();
}

}  // namespace sluiced::serve
