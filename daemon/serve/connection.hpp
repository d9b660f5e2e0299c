#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include <sluice/detail/intrusive_list.hpp>
#include <sluice/executor.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>

#include "config/config.hpp"
#include "http/request_head.hpp"
#include "observe/server_metrics.hpp"
#include "serve/exchange.hpp"
#include "serve/handler.hpp"

namespace sluiced::serve {

/// What the connections of one server share. Belongs to one shard.
struct ServerContext {
  sluice::Executor& executor;
  Handler& handler;
  const config::Limits& limits;
  const config::Timeouts& timeouts;
  observe::ServerMetrics& metrics;
  ExchangePool exchanges;
  WallClock clock;
  bool draining = false;
};

/// One client: reads a request, has it answered, sends the answer, and again. A coroutine from
/// beginning to end, at home on the shard that accepted it.
///
///        +------------------------------------------------------------------+
///        v                                                                  |
///   await request -> read head -> respond -> transmit -> drop the body -----+
///        |               |                       |             |
///        +---------------+-----------+-----------+-------------+
///                                    v
///                                  close
class Connection final : public sluice::detail::ListNode {
 public:
  Connection(ServerContext& server, sluice::TaskContext context, sluice::Socket socket,
             std::size_t listener);

  /// Serves until there is a reason to end.
  [[nodiscard]] sluice::Task<void> run();
  /// Ends the connection if it is between requests; otherwise it ends after the response that is
  /// under way.
  void drain() noexcept;

 private:
  using CloseReason = observe::CloseReason;
  using State = observe::ConnectionState;

  /// Why there is no request: the connection ends, perhaps with an answer first.
  struct NoRequest {
    CloseReason reason;
    std::optional<http::Status> answer;
  };
  using HeadBytes = std::expected<std::size_t, NoRequest>;

  void enter(State state) noexcept;
  [[nodiscard]] bool must_linger(CloseReason reason) const noexcept;
  [[nodiscard]] sluice::Task<CloseReason> serve_requests();
  [[nodiscard]] sluice::Task<HeadBytes> read_head();
  [[nodiscard]] sluice::Task<std::expected<void, NoRequest>> await_request();
  [[nodiscard]] sluice::Task<std::expected<void, NoRequest>> await_while_warm(
      sluice::TimePoint idle_until);
  [[nodiscard]] NoRequest refuse(http::ProtocolError error) noexcept;
  [[nodiscard]] NoRequest lost(const std::error_code& error,
                               CloseReason when_expired) const noexcept;
  [[nodiscard]] sluice::Task<std::optional<CloseReason>> serve_one(std::size_t head_bytes);
  [[nodiscard]] bool keeps_alive() const noexcept;
  [[nodiscard]] CloseReason reason_to_close() const noexcept;
  [[nodiscard]] sluice::Task<std::optional<CloseReason>> transmit_response(bool keep_alive);
  [[nodiscard]] sluice::Task<std::optional<CloseReason>> drop_body(std::size_t head_bytes);
  [[nodiscard]] sluice::Task<void> answer_and_give_up(http::Status status);
  [[nodiscard]] sluice::Task<void> linger();
  void set_deadline(const std::optional<std::chrono::milliseconds>& timeout);

  ServerContext& server_;
  sluice::Socket socket_;
  std::size_t listener_;
  http::RequestHeadParser parser_;
  ExchangePool::Lease exchange_;
  // Two, so that each is only ever moved to a later time: that costs the timer heap nothing.
  sluice::Deadline warm_;   // how long a silent connection keeps its exchange
  sluice::Deadline phase_;  // of whatever is waited for otherwise
  State state_ = State::idle;
  std::uint32_t requests_ = 0;
};

}  // namespace sluiced::serve
