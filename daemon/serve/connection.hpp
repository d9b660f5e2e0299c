#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sluice/cancel.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/executor.hpp>
#include <sluice/provided_buffers.hpp>
#include <sluice/receive_stream.hpp>
#include <sluice/semaphore.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>

#include "config/config.hpp"
#include "files/cold_reads.hpp"
#include "http/request_head.hpp"
#include "observe/access_log.hpp"
#include "observe/server_metrics.hpp"
#include "serve/admission.hpp"
#include "serve/connection_facts.hpp"
#include "serve/exchange.hpp"
#include "serve/handler.hpp"
#include "serve/outlet.hpp"
#include "serve/pace.hpp"
#include "serve/peer_address.hpp"

namespace sluiced::serve {

/// What the connections of one server share. Belongs to one shard. The limits, in the
/// parser too, and the timeouts change when the configuration does.
struct ServerContext {
  sluice::Executor& executor;
  config::Limits limits;
  http::RequestHeadParser parser;  // that has seen nothing, with the limits; each head has a copy
  config::Timeouts timeouts;
  observe::ServerMetrics& metrics;
  observe::AccessLog* access_log;  // null when there is none
  ExchangePool exchanges;
  std::unique_ptr<sluice::ProvidedBuffers> receive_buffers;  // while the server runs
  /// For connections that ask again and again (ReceiveStreamOptions); likewise. Null: the kernel
  /// gives no more.
  std::unique_ptr<sluice::ProvidedBuffers> multishot_buffers;
  files::ColdReads cold_reads;
  sluice::Semaphore bulk_turn;  // see Outlet
  WallClock clock;
};

/// A listening socket as its connections see it. When the configuration has changed, it has a new
/// place there and a new handler; if its listener is gone, it is left as it was, and drains.
struct ListenerState {
  std::size_t id = 0;     // stays the same
  std::size_t index = 0;  // in the configuration of `handler`
  std::string name{};
  HandlerRef handler{};
  bool draining = false;
  std::function<void()> departed{};  // called when a connection of its has ended
};

/// One client: reads a request, has it answered, sends the answer, and again. A coroutine from
/// beginning to end, at home on the shard that accepted it.
///
///      +--------------------------------------+
///      v                                      |
///   await bytes -> serve_at_once() -----------+      no waiting: no other coroutine, no operation
///      ^              |      |                |
///      |              v      |                |
///      |   serve_waiting() --+----------------+      read the rest of the head, look up, transmit,
///      |              |      |                       drop the body
///      +--------------+      v
///                          close
///
/// While it waits for a request a connection holds neither a buffer nor an exchange.
///
/// evict(), or a body that is moved too slowly, cancels life_, and with it whatever is awaited.
class Connection final : public sluice::detail::ListNode {
 public:
  /// How much a connection deserves to be kept: the least gives way first.
  struct Standing {
    enum class Rank : std::uint8_t { closing, idle, headless, slow };
    Rank rank = Rank::closing;
    std::int64_t order = 0;  // since when, or at which rate: less is worse
    friend auto operator<=>(const Standing&, const Standing&) = default;
  };
  /// A place among those who are to give way.
  struct Candidacy : sluice::detail::ListNode {
    explicit Candidacy(Connection& candidate) noexcept : connection(candidate) {}
    Connection& connection;
    sluice::TimePoint in_state_since{};
  };

  /// What a connection is made of: the socket, and who is there with its place among those of the
  /// client's address.
  struct Client {
    sluice::Socket socket;
    AddressLimit::Place place;
  };
  Connection(ServerContext& server, sluice::CancelScope& scope, Client client,
             const ListenerState& listener);

  /// Serves until there is a reason to end.
  [[nodiscard]] static sluice::Task<void> run(std::unique_ptr<Connection> connection);
  /// Ends the connection if it is between requests; otherwise it ends after the response that is
  /// under way, or, if it has asked for nothing yet, after the first one that it asks for soon.
  void drain() noexcept;
  /// Asks the kernel who is there: from now on that is logged.
  void learn_peer() noexcept { place_.set_peer(PeerAddress::of(socket_.fd())); }
  /// Ends the connection, whatever it does.
  void evict() noexcept;

  [[nodiscard]] const ListenerState& listener() const noexcept { return listener_; }
  [[nodiscard]] sluice::TimePoint in_state_since() const noexcept { return in_state_since_; }
  [[nodiscard]] Candidacy& candidacy() noexcept {
    candidacy_.in_state_since = in_state_since_;
    return candidacy_;
  }
  /// Of a connection that is closing, idle or without a complete head; nothing for one that is not,
  /// or has not been for long.
  [[nodiscard]] std::optional<Standing> standing() const noexcept;
  /// Of one that moves a body, and does so slowly. Asks the kernel; nothing the first time.
  [[nodiscard]] std::optional<Standing> standing_by_rate() noexcept;
  /// Whether it is idle only because the kernel has taken the end of the response, and the client
  /// is still taking that at a healthy rate. Asks the kernel.
  [[nodiscard]] bool is_draining_its_buffer() const noexcept;

  /// Whether it is doing anything but waiting for a request.
  [[nodiscard]] bool is_active() const noexcept { return state_ != State::idle; }
  [[nodiscard]] sluice::TimePoint accepted_at() const noexcept { return accepted_at_; }
  /// For people. Asks the kernel who is there, unless that is known.
  [[nodiscard]] ConnectionFacts facts() const;

 private:
  using CloseReason = observe::CloseReason;
  using State = observe::ConnectionState;
  /// How much of a request body that nobody wants is taken off the connection to keep it.
  static constexpr std::uint64_t kMostDroppedBodyBytes = std::uint64_t{64} * 1024;

  void enter(State state) noexcept;
  void set_deadline(const std::optional<std::chrono::milliseconds>& timeout);
  [[nodiscard]] CloseReason reason_of_cancel() const noexcept;
  [[nodiscard]] CloseReason reason_of_loss(const std::error_code& error,
                                           CloseReason when_expired) const noexcept;

  void take_first_bytes();
  static void depart(std::unique_ptr<Connection>& connection);
  // Each of these gives the reason to end the connection, if there is one.
  using End = std::optional<CloseReason>;
  [[nodiscard]] End begin_idle();
  [[nodiscard]] End end_idle(const sluice::Result<sluice::ReceivedBytes>& bytes);
  [[nodiscard]] sluice::Task<End> serve_waiting();
  [[nodiscard]] sluice::Task<End> read_head();
  [[nodiscard]] sluice::Task<End> serve_one();
  [[nodiscard]] sluice::Task<End> transmit_response(bool has_head);
  [[nodiscard]] sluice::Task<End> drop_body();
  [[nodiscard]] sluice::Task<End> refuse();
  [[nodiscard]] End finish_response(Cut cut, bool has_head);

  /// Answers what has come as far as nothing has to be waited for. False: serve_waiting() has to be
  /// awaited.
  [[nodiscard]] bool serve_at_once(End& end);
  /// The same for one request: its response has gone then, or is in the output.
  [[nodiscard]] bool answer_at_once();
  [[nodiscard]] bool parse_head();
  [[nodiscard]] bool try_decide();
  void begin_response(bool keep_alive);
  void put_head();
  void finish_request() noexcept;
  [[nodiscard]] Request request() noexcept;
  [[nodiscard]] Outlet outlet() noexcept;
  [[nodiscard]] bool sends_head_only() const noexcept;
  [[nodiscard]] std::optional<http::ProtocolError> find_body_fault() const noexcept;
  [[nodiscard]] bool keeps_alive() const noexcept;
  [[nodiscard]] bool is_last_by_wish() const noexcept;
  [[nodiscard]] CloseReason reason_to_close() const noexcept;
  [[nodiscard]] sluice::Task<void> answer_and_give_up(http::Status status);
  [[nodiscard]] bool must_linger(CloseReason reason) const noexcept;
  /// Ends what is to be ended before the connection departs, without waiting. False: close() has to
  /// be awaited.
  [[nodiscard]] bool close_at_once(CloseReason reason) noexcept;
  [[nodiscard]] sluice::Task<void> close(CloseReason reason);
  void count_end(CloseReason reason) noexcept;
  [[nodiscard]] sluice::Task<void> linger();
  [[nodiscard]] sluice::TimePoint time_for_log() const noexcept;
  void log_request(Cut cut, bool has_head) noexcept;

  ServerContext& server_;
  sluice::Socket socket_;
  const ListenerState& listener_;
  AddressLimit::Place place_;
  sluice::CancelScope life_;
  Pace* pace_ = nullptr;  // of the body that is being moved
  Candidacy candidacy_{*this};
  sluice::TimePoint accepted_at_;
  sluice::TimePoint in_state_since_;
  ExchangePool::Lease exchange_;
  sluice::Deadline phase_;  // of whatever is waited for
  sluice::ReceiveStream stream_;
  State state_ = State::idle;
  bool evicted_ = false;
  std::uint32_t requests_ = 0;
};

}  // namespace sluiced::serve
