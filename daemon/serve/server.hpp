#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include <sluice/executor.hpp>
#include <sluice/listener.hpp>
#include <sluice/sync.hpp>
#include <sluice/task.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/unique_fd.hpp>

#include "serve/connection.hpp"

namespace sluiced::serve {

/// How many connections one listener may have on all its shards together. The count is shared: it
/// is touched when a connection comes and when it goes, never by a request.
class ConnectionLimit {
 public:
  ConnectionLimit(std::size_t most, unsigned shards) noexcept : most_(most), shards_(shards) {}

  [[nodiscard]] bool is_reached() const noexcept { return open_ >= most_; }
  /// How many more one of the shards can take if all take as many at this moment, but at least one.
  [[nodiscard]] std::size_t room() const noexcept {
    const std::size_t open = open_;
    return open >= most_ ? 1 : std::max<std::size_t>(1, (most_ - open) / shards_);
  }
  void came() noexcept { ++open_; }
  void went() noexcept { --open_; }

 private:
  std::size_t most_;
  unsigned shards_;
  std::atomic<std::size_t> open_{0};
};

/// A listening socket of one shard, and which listener of the configuration it belongs to.
struct ListeningSocket {
  sluice::UniqueFd fd;
  std::size_t listener = 0;
  std::shared_ptr<ConnectionLimit> limit;
};

/// Accepts connections and serves them, on one shard. When a listener has as many connections as it
/// may, its sockets stop accepting, and further clients wait; shards that look at the same moment
/// may each take one more.
class Server {
 public:
  /// All references must outlive the server.
  Server(sluice::Executor& executor, Handler& handler, const config::Limits& limits,
         const config::Timeouts& timeouts, observe::ServerMetrics& metrics);

  /// Serves until begin_drain(), or until the executor is stopped; ends when the last connection
  /// has.
  [[nodiscard]] sluice::Task<void> run(std::vector<ListeningSocket> sockets);

  /// Stops accepting, closes connections that are between requests, and lets the others finish
  /// their response. On the server's shard.
  void begin_drain() noexcept;

 private:
  struct Intake {
    Intake(sluice::Executor& executor, ListeningSocket&& socket, sluice::Counter& back_offs)
        : listener(executor, std::move(socket.fd), &back_offs),
          index(socket.listener),
          limit(std::move(socket.limit)) {}
    sluice::Listener listener;
    std::size_t index;
    std::shared_ptr<ConnectionLimit> limit;
  };
  [[nodiscard]] sluice::Task<void> accept_connections(Intake& intake, sluice::TaskScope& scope);
  [[nodiscard]] sluice::Task<void> serve_connection(sluice::Socket socket, Intake& intake);

  ServerContext context_;
  sluice::detail::IntrusiveList<Connection> connections_;
  sluice::Event drain_;
};

}  // namespace sluiced::serve
