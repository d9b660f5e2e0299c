#include "serve/server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <utility>

#include <sluice/socket_requests.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

namespace sluiced::serve {

http::FileTime WallClock::read() noexcept {
  // Coarse: a few milliseconds behind, at a quarter of the price; HTTP dates have whole seconds.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

namespace {
// Only requests that are waited for take one each; connections beyond that make new ones.
constexpr std::size_t kExchangesKept = 64;
// Each holds the bytes of one connection from the turn of their arrival to the next. When all are
// full, the kernel keeps further bytes until some are empty again.
constexpr sluice::ProvidedBuffersOptions kBufferOptions{.count = 256, .buffer_bytes = 2048};
constexpr sluice::Duration kPauseWhenFull = std::chrono::milliseconds(20);
constexpr std::size_t kMostAtOnce = 16;  // give way together
constexpr unsigned kMostInARow = 32;     // are accepted before others have their turn

http::HeadLimits head_limits(const config::Limits& limits) {
  return {.request_line_bytes = limits.request_line,
          .field_section_bytes = limits.headers_total,
          .fields = limits.header_count};
}

// Also a socket that a service manager has made. Its connections inherit TCP_NODELAY, so that an
// answer does not wait for the acknowledgement of another; a unix socket has no such thing. And who
// is in the queue can be taken out of it without waiting for more, which shards that share it need.
void prepare(int listening_socket) noexcept {
  const int on = 1;
  ::setsockopt(listening_socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const int flags = ::fcntl(listening_socket, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
    ::fcntl(listening_socket, F_SETFL, flags | O_NONBLOCK);
  }
}
}  // namespace

Server::Server(sluice::Executor& executor, HandlerRef handler, const config::Config& config,
               observe::ServerMetrics& metrics,
               std::unique_ptr<sluice::ProvidedBuffers> receive_buffers, ServerExtras extras)
    : context_{.executor = executor,
               .limits = config.limits,
               .parser = http::RequestHeadParser(head_limits(config.limits)),
               .timeouts = config.timeouts,
               .metrics = metrics,
               .access_log = extras.access_log,
               .exchanges = ExchangePool(kExchangesKept),
               .receive_buffers = std::move(receive_buffers),
               .multishot_buffers = nullptr,
               .cold_reads = files::ColdReads(executor, metrics.data_paths.reads,
                                              files::ColdReads::places_for_reads()),
               .bulk_turn = sluice::Semaphore(kBulkBytesPerTurn),
               .clock = {}},
      extras_(std::move(extras)),
      handler_(std::move(handler)),
      evictor_(executor, connections_) {}

sluice::Result<std::unique_ptr<sluice::ProvidedBuffers>> Server::make_receive_buffers(
    sluice::Reactor& reactor, observe::ServerMetrics& metrics) {
  sluice::ProvidedBuffersOptions options = kBufferOptions;
  options.exhausted = &metrics.receive_waits;
  return sluice::ProvidedBuffers::create(reactor, options);
}

std::size_t Server::Intake::room() const noexcept {
  if (is_shared) {
    return 1;
  }
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
  sluice::TaskScope scope(co_await sluice::current_context());
  serving_ = &scope;
  auto multishot_buffers =
      sluice::ProvidedBuffers::create(context_.executor.reactor(), kBufferOptions);
  if (multishot_buffers) {
    context_.multishot_buffers = std::move(*multishot_buffers);
  }
  for (ListeningSocket& socket : sockets) {
    open(std::move(socket), scope);
  }
  // Cancelled means that there is no time left for draining.
  static_cast<void>(co_await drain_.wait());
  for (const auto& intake : intakes_) {
    intake->drain.set();
  }
  co_await scope.join();
  serving_ = nullptr;
  context_.receive_buffers.reset();
  context_.multishot_buffers.reset();
}

void Server::open(ListeningSocket&& socket, sluice::TaskScope& scope) {
  prepare(socket.fd.get());
  intakes_.push_back(std::make_unique<Intake>(context_.executor, std::move(socket),
                                              context_.metrics.accept_back_offs,
                                              scope.cancel_scope()));
  intakes_.back()->state.handler = handler_;
  intakes_.back()->state.departed = [this, &intake = *intakes_.back()] {
    intake.went();
    departed_.set();
  };
  scope.spawn(serve_listener(*intakes_.back()));
}

// From the first connection to the end of the last.
sluice::Task<void> Server::serve_listener(Intake& intake) {
  sluice::TaskScope scope(co_await sluice::current_context());
  scope.spawn(accept_connections(intake, scope));
  static_cast<void>(co_await intake.drain.wait());
  intake.state.draining = true;
  intake.polling.cancel();
  sluice::UniqueFd socket(intake.is_removed ? ::fcntl(intake.listener.fd(), F_DUPFD_CLOEXEC, 0)
                                            : -1);
  co_await intake.listener.close();
  take_waiting(intake, socket, scope);
  socket.reset();  // the address is free from now on, however long its connections last
  connections_.for_each([&](Connection& connection) {
    if (&connection.listener() == &intake.state) {
      connection.drain();
    }
  });
  co_await scope.join();
  std::erase_if(intakes_, [&](const auto& other) { return other.get() == &intake; });
}

// Who is in the kernel's queue when a listener goes has been connected already, and would be reset.
void Server::take_waiting(Intake& intake, const sluice::UniqueFd& socket,
                          sluice::TaskScope& scope) {
  // Another shard may share the queue, and be faster: the socket does not wait, see prepare().
  while (socket && !intake.is_full()) {
    sluice::UniqueFd accepted(
        ::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) {
      return;
    }
    admit(sluice::Socket(std::move(accepted)), intake, scope);
  }
}

void Server::apply(ServerUpdate update) {
  if (serving_ == nullptr || drain_.is_set()) {
    return;
  }
  context_.limits = update.limits;
  context_.parser.set_limits(head_limits(update.limits));
  context_.timeouts = update.timeouts;
  extras_.addresses = update.addresses;
  if (context_.access_log == nullptr && update.access_log != nullptr) {
    connections_.for_each([](Connection& connection) { connection.learn_peer(); });
  }
  context_.access_log = update.access_log;
  handler_ = std::move(update.handler);
  for (const auto& intake : intakes_) {
    const auto place = std::ranges::find(update.listeners, intake->state.id, &ListenerPlace::id);
    if (place == update.listeners.end()) {
      intake->is_removed = true;
      intake->drain.set();
      continue;
    }
    intake->state.index = static_cast<std::size_t>(place - update.listeners.begin());
    intake->state.name = place->name;
    intake->state.handler = handler_;
    if (place->backlog > 0) {
      static_cast<void>(intake->listener.set_backlog(place->backlog));  // it listens: none fails
    }
  }
  for (ListeningSocket& socket : update.added) {
    open(std::move(socket), *serving_);
  }
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
  while (intake.is_full() && !intake.state.draining) {
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

PeerAddress Server::peer_of(const sluice::Socket& socket) const {
  const bool is_wanted = extras_.addresses != nullptr || context_.access_log != nullptr;
  return is_wanted ? PeerAddress::of(socket.fd()) : PeerAddress();
}

// Nothing, which is counted, when the address has as many connections as it may.
std::optional<AddressLimit::Place> Server::enter(const PeerAddress& peer) {
  if (extras_.addresses == nullptr) {
    return AddressLimit::Place(nullptr, peer);
  }
  auto place = extras_.addresses->enter(peer);
  if (!place) {
    observe::ServerMetrics::of(context_.metrics.closed, observe::CloseReason::per_address).add();
  }
  return place;
}

// Where there is room.
void Server::admit(sluice::Socket socket, Intake& intake, sluice::TaskScope& scope) {
  context_.metrics.accepted.add();
  if (auto place = enter(peer_of(socket))) {
    serve(std::move(socket), std::move(*place), intake, scope);
  }
}

void Server::serve(sluice::Socket socket, AddressLimit::Place place, Intake& intake,
                   sluice::TaskScope& scope) {
  intake.came();
  auto connection = std::make_unique<Connection>(
      context_, scope.cancel_scope(), Connection::Client{std::move(socket), std::move(place)},
      intake.state);
  connections_.push_back(*connection);
  scope.spawn(Connection::run(std::move(connection)));
}

// Those who have come behind another, as far as there is room. True: there were some.
bool Server::take_more(Intake& intake, sluice::TaskScope& scope) {
  unsigned taken = 0;
  while (taken < kMostInARow && !intake.is_full()) {
    auto socket = intake.listener.try_accept();
    if (!socket) {
      break;
    }
    ++taken;
    admit(std::move(*socket), intake, scope);
  }
  return taken > 0;
}

sluice::Task<void> Server::accept_connections(Intake& intake, sluice::TaskScope& scope) {
  while (true) {
    // Where addresses are counted, room is made only once it is known who comes, so that who comes
    // from an address with too many connections pushes nobody out. It costs a descriptor more for
    // each socket that accepts.
    if (extras_.addresses == nullptr && intake.is_full()) {
      // Where who comes is accepted already, room is made as if somebody had come: it happens only
      // when a limit has just been lowered, or when others have filled up what there was.
      co_await make_room(intake, intake.listener.is_accepting());
    }
    auto socket = co_await intake.listener.accept(intake.room());
    if (!socket) {
      co_return;
    }
    context_.metrics.accepted.add();
    auto place = enter(peer_of(*socket));
    if (!place) {
      continue;
    }
    if (extras_.addresses != nullptr && intake.is_full()) {
      co_await make_room(intake, true);
    }
    serve(std::move(*socket), std::move(*place), intake, scope);
    // Who has come is served before the next one is waited for, and has often gone by then.
    bool were_more = true;
    while (were_more) {
      co_await sluice::yield();
      were_more = take_more(intake, scope);
    }
  }
}

}  // namespace sluiced::serve
