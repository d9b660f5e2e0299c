#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/executor.hpp>
#include <sluice/listener.hpp>
#include <sluice/sync.hpp>
#include <sluice/task.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/unique_fd.hpp>

#include "serve/admission.hpp"
#include "serve/connection.hpp"
#include "serve/evictor.hpp"

namespace sluiced::serve {

/// A listening socket of one shard, and which listener of the configuration it belongs to.
struct ListeningSocket {
  sluice::UniqueFd fd;
  std::size_t id = 0;     // of the listener; never that of another one in the life of the process
  std::size_t index = 0;  // of the listener in the configuration
  std::string name{};
  std::shared_ptr<ConnectionLimit> limit{};
  std::shared_ptr<ConnectionLimit> total{};  // of all listeners; null when there is none
  bool is_shared = false;                    // its queue, with other shards
};

/// What a server may have and an admin server has not.
struct ServerExtras {
  /// Null: not limited.
  AddressLimit* addresses = nullptr;
  /// Null: no request is logged.
  observe::AccessLog* access_log = nullptr;
  /// Asks another shard for Server::give_way(), which any listener's limit may call for.
  std::function<void(std::optional<std::size_t> listener)> ask_another;
};

/// Where a listener that stays has come to stand.
struct ListenerPlace {
  std::size_t id = 0;
  std::string name{};
  int backlog = 0;  // to be set on its sockets; 0: as it is
};

/// What a server goes on with when the configuration has changed.
struct ServerUpdate {
  HandlerRef handler;
  config::Limits limits;
  config::Timeouts timeouts;
  /// All listeners of the configuration in its order, the added ones among them. Those that are not
  /// named here are closed.
  std::vector<ListenerPlace> listeners;
  std::vector<ListeningSocket> added;
  AddressLimit* addresses = nullptr;
  observe::AccessLog* access_log = nullptr;
};

/// Accepts connections and serves them, on one shard.
///
/// When a listener has as many connections as it may, clients wait in the kernel's queue. Once one
/// does, the idlest or slowest connection (see Evictor) of this shard, or else of another, is ended
/// and its place taken; if all make progress, the client waits until one ends. Shards that look at
/// the same moment may each take one more.
class Server {
 public:
  /// All references but the configuration must outlive the server.
  Server(sluice::Executor& executor, HandlerRef handler, const config::Config& config,
         observe::ServerMetrics& metrics, std::unique_ptr<sluice::ProvidedBuffers> receive_buffers,
         ServerExtras extras = {});

  /// What the connections of a shard receive into. On its thread, which is also where it is to end.
  /// ENOMEM: the kernel refuses to lock the memory.
  [[nodiscard]] static sluice::Result<std::unique_ptr<sluice::ProvidedBuffers>>
  make_receive_buffers(sluice::Reactor& reactor, observe::ServerMetrics& metrics);

  /// Serves until begin_drain(), or until the executor is stopped; ends when the last connection
  /// has.
  [[nodiscard]] sluice::Task<void> run(std::vector<ListeningSocket> sockets);

  /// Stops accepting, closes connections that are between requests, and lets the others finish
  /// their response. On the server's shard.
  void begin_drain() noexcept;

  /// Takes a new configuration over: requests that begin from now on are answered by it. A listener
  /// that is gone accepts what waits already, and its connections end as for begin_drain(). Has no
  /// effect once the server drains. On the server's shard.
  void apply(ServerUpdate update);

  /// Ends a connection that is idle or slow, of this listener if one is given. On the server's
  /// shard.
  void give_way(std::optional<std::size_t> listener);

  /// Tells of the connections that are not idle, and of more than `most` the oldest. Looks at every
  /// connection, and asks the kernel about those that are told of. On the server's shard.
  [[nodiscard]] ActiveConnections active_connections(std::size_t most);

 private:
  struct Intake {
    Intake(sluice::Executor& executor, ListeningSocket&& socket, sluice::Counter& back_offs,
           sluice::CancelScope& scope)
        : listener(executor, std::move(socket.fd), &back_offs),
          state{.id = socket.id, .index = socket.index, .name = std::move(socket.name)},
          limit(std::move(socket.limit)),
          total(std::move(socket.total)),
          polling(&scope),
          is_shared(socket.is_shared) {}
    [[nodiscard]] bool is_full() const noexcept {
      return limit->is_reached() || (total && total->is_reached());
    }
    /// Whose connections could give way.
    [[nodiscard]] std::optional<std::size_t> scarce() const noexcept {
      return limit->is_reached() ? std::optional(state.id) : std::nullopt;
    }
    /// How many more may come at once. One, where other shards take from the same queue: whoever
    /// is not busy.
    [[nodiscard]] std::size_t room() const noexcept;
    void came() noexcept;
    void went() noexcept;
    sluice::Listener listener;
    ListenerState state;
    std::shared_ptr<ConnectionLimit> limit;
    std::shared_ptr<ConnectionLimit> total;
    sluice::CancelScope polling;  // while it looks for a client that waits
    sluice::Event drain;
    bool is_shared;
    bool is_removed = false;
  };
  void open(ListeningSocket&& socket, sluice::TaskScope& scope);
  [[nodiscard]] sluice::Task<void> serve_listener(Intake& intake);
  void take_waiting(Intake& intake, const sluice::UniqueFd& socket, sluice::TaskScope& scope);
  void admit(sluice::Socket socket, Intake& intake, sluice::TaskScope& scope);
  void serve(sluice::Socket socket, AddressLimit::Place place, Intake& intake,
             sluice::TaskScope& scope);
  [[nodiscard]] std::optional<AddressLimit::Place> enter(const PeerAddress& peer);
  [[nodiscard]] PeerAddress peer_of(const sluice::Socket& socket) const;
  [[nodiscard]] bool take_more(Intake& intake, sluice::TaskScope& scope);
  [[nodiscard]] sluice::Task<void> accept_connections(Intake& intake, sluice::TaskScope& scope);
  [[nodiscard]] sluice::Task<void> make_room(Intake& intake, bool for_somebody_here);
  [[nodiscard]] sluice::Task<void> await_departure();

  ServerContext context_;
  ServerExtras extras_;
  HandlerRef handler_;  // of the newest configuration
  std::vector<std::unique_ptr<Intake>> intakes_;
  sluice::TaskScope* serving_ = nullptr;  // while it runs
  sluice::detail::IntrusiveList<Connection> connections_;
  Evictor evictor_;
  sluice::Event drain_;
  sluice::Event departed_;  // a connection has ended
};

}  // namespace sluiced::serve
