#include "serve/server.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <utility>

#include <sluice/socket_requests.hpp>
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
constexpr std::size_t kMostAtOnce = 16;  // give way together
}  // namespace

Server::Server(sluice::Executor& executor, Handler& handler, const config::Config& config,
               const std::vector<config::Listener>& listeners, observe::ServerMetrics& metrics,
               ServerExtras extras)
    : context_{.executor = executor,
               .handler = handler,
               .limits = config.limits,
               .timeouts = config.timeouts,
               .metrics = metrics,
               .access_log = extras.access_log,
               .listeners = listeners,
               .exchanges = ExchangePool(kExchangesKept),
               .cold_reads = files::ColdReads(executor, metrics.data_paths.reads,
                                              files::ColdReads::places_for_reads()),
               .clock = {},
               .draining = false},
      extras_(std::move(extras)),
      evictor_(executor, connections_) {}

std::size_t Server::Intake::room() const noexcept {
  return total ? std::min(limit->room(), total->room()) : limit->room();
}

void Server::Intake::came() noexcept {
  limit->came();
  if (total) {
    total->came();
  }
}

void Server::Intake::went() noexcept {
  limit->went();
  if (total) {
    total->went();
  }
}

sluice::Task<void> Server::run(std::vector<ListeningSocket> sockets) {
  std::vector<std::unique_ptr<Intake>> intakes;
  sluice::TaskScope scope(co_await sluice::current_context());
  for (ListeningSocket& socket : sockets) {
    intakes.push_back(std::make_unique<Intake>(context_.executor, std::move(socket),
                                               context_.metrics.accept_back_offs,
                                               scope.cancel_scope()));
    scope.spawn(accept_connections(*intakes.back(), scope));
  }
  // Cancelled means that there is no time left for draining.
  static_cast<void>(co_await drain_.wait());
  context_.draining = true;
  for (const auto& intake : intakes) {
    intake->polling.cancel();
    co_await intake->listener.close();
  }
  connections_.for_each([](Connection& connection) { connection.drain(); });
  co_await scope.join();
}

void Server::begin_drain() noexcept { drain_.set(); }

void Server::give_way(std::optional<std::size_t> listener) {
  static_cast<void>(evictor_.evict_one(listener));
}

sluice::Task<void> Server::await_departure() { static_cast<void>(co_await departed_.wait()); }

// Returns when there is room for one more connection, or accepting ends. Nobody gives way before
// there is somebody to give way to.
sluice::Task<void> Server::make_room(Intake& intake, bool for_somebody_here) {
  sluice::Deadline pause(co_await sluice::current_context());
  while (intake.is_full() && !context_.draining) {
    if (!for_somebody_here) {
      const auto waits =
          co_await sluice::Operation(sluice::PollRequest(intake.listener.fd(), POLLIN))
              .within(intake.polling);
      if (!waits) {
        co_return;
      }
      if (!intake.is_full()) {
        break;
      }
    }
    departed_.reset();
    // As many at once as wait, so that their number does not make the last one's wait longer.
    const std::size_t wanted = std::clamp<std::size_t>(intake.listener.waiting(), 1, kMostAtOnce);
    std::size_t evicted = 0;
    while (evicted < wanted && evictor_.evict_one(intake.scarce())) {
      ++evicted;
    }
    if (evicted == 0 && extras_.ask_another) {
      extras_.ask_another(intake.scarce());
    }
    // The connection that makes room may be another shard's, so this is asked again and again; only
    // a listener that is full, and has somebody waiting, does so.
    pause.set(context_.executor.now() + kPauseWhenFull);
    co_await await_departure().within(pause.scope());
    if (pause.scope().is_cancelled() && !pause.has_expired()) {
      co_return;
    }
  }
}

sluice::Task<void> Server::accept_connections(Intake& intake, sluice::TaskScope& scope) {
  AddressLimit* const addresses = extras_.addresses;
  while (true) {
    if (addresses == nullptr) {
      co_await make_room(intake, false);
    }
    auto socket = co_await intake.listener.accept(intake.room());
    if (!socket) {
      co_return;
    }
    context_.metrics.accepted.add();
    PeerAddress peer;
    if (addresses != nullptr || context_.access_log != nullptr) {
      peer = PeerAddress::of(socket->fd());
    }
    auto place = addresses != nullptr ? addresses->enter(peer)
                                      : std::optional<AddressLimit::Place>(std::in_place);
    if (addresses != nullptr) {
      if (!place) {
        observe::ServerMetrics::of(context_.metrics.closed, observe::CloseReason::per_address)
            .add();
        continue;
      }
      // Only now, so that who comes from an address with too many connections pushes nobody out. It
      // costs a descriptor more for each socket that accepts.
      co_await make_room(intake, true);
    }
    intake.came();
    scope.spawn(serve_connection(std::move(*socket), peer, std::move(*place), intake));
  }
}

sluice::Task<void> Server::serve_connection(sluice::Socket socket, PeerAddress peer,
                                            AddressLimit::Place place, Intake& intake) {
  {
    const AddressLimit::Place held(std::move(place));
    Connection connection(context_, co_await sluice::current_context(), std::move(socket),
                          intake.index, peer);
    connections_.push_back(connection);
    co_await connection.run();
  }
  intake.went();
  departed_.set();
}

}  // namespace sluiced::serve
