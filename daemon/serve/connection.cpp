#include "serve/connection.hpp"

#include <algorithm>
#include <chrono>

#include "http/body_framing.hpp"
#include "serve/transmit.hpp"

namespace sluiced::serve {
namespace {

using namespace std::chrono_literals;
using observe::CloseReason;
using observe::ConnectionState;
using observe::ServerMetrics;
using observe::TransferCut;

// A connection that has been silent for this long gives its buffers back.
constexpr sluice::Duration kWarm = 1s;
// How much of a request body nobody wants is taken off the connection to keep it.
constexpr std::uint64_t kMostDroppedBodyBytes = std::uint64_t{64} * 1024;
constexpr std::chrono::milliseconds kDropBody = 2s;
// What OPTIONS * is told of the server as a whole (RFC 9110 section 9.3.7).
constexpr std::string_view kMethodsOfServer = "GET, HEAD, OPTIONS";

http::HeadLimits head_limits(const config::Limits& limits) {
  return {.request_line_bytes = limits.request_line,
          .field_section_bytes = limits.headers_total,
          .fields = limits.header_count};
}

CloseReason reason_of(TransferCut cut) noexcept {
  switch (cut) {
    case TransferCut::client_abort:
      return CloseReason::client;
    case TransferCut::write_stall:
      return CloseReason::write_stall;
    case TransferCut::min_rate:
      return CloseReason::min_rate;
    case TransferCut::evicted:
      return CloseReason::evicted;
    case TransferCut::drain_cut:
    case TransferCut::source_truncated:
    case TransferCut::io_error:
      break;
  }
  return CloseReason::transfer_cut;
}

}  // namespace

Connection::Connection(ServerContext& server, sluice::TaskContext context, sluice::Socket socket,
                       const ListenerState& listener, const PeerAddress& peer)
    : server_(server),
      socket_(std::move(socket)),
      listener_(listener),
      peer_(peer),
      life_(context.cancel_scope),
      pace_(server.executor, socket_, server.timeouts.min_rate, life_),
      accepted_at_(server.executor.now()),
      in_state_since_(accepted_at_),
      parser_(head_limits(server.limits)),
      exchange_(server.exchanges.none()),
      warm_({context.executor, &life_}),
      phase_({context.executor, &life_}) {
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::enter(State state) noexcept {
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
  state_ = state;
  in_state_since_ = server_.executor.now();
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::set_deadline(const std::optional<std::chrono::milliseconds>& timeout) {
  if (timeout) {
    phase_.set(server_.executor.now() + *timeout);
  } else {
    phase_.clear();
  }
}

sluice::Task<void> Connection::run() {
  static_cast<void>(socket_.set_no_delay());  // answers come a little later without it
  const CloseReason reason = co_await serve_requests().within(life_);
  if (must_linger(reason)) {
    co_await linger();
  }
  ServerMetrics::of(server_.metrics.closed, reason).add();
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
}

sluice::Task<CloseReason> Connection::serve_requests() {
  while (true) {
    const HeadBytes head = co_await read_head();
    if (!head) {
      if (head.error().answer) {
        co_await answer_and_give_up(*head.error().answer);
      }
      co_return head.error().reason;
    }
    if (const auto fault = find_body_fault(*head)) {
      const NoRequest refused = refuse(*fault);
      co_await answer_and_give_up(*refused.answer);
      co_return refused.reason;
    }
    const auto end = co_await serve_one(*head);
    if (end) {
      co_return *end;
    }
  }
}

Connection::NoRequest Connection::refuse(http::ProtocolError error) noexcept {
  ServerMetrics::of(server_.metrics.protocol_errors, error).add();
  return {CloseReason::protocol_error, http::protocol_error_status(error)};
}

Connection::NoRequest Connection::lost(const std::error_code& error,
                                       CloseReason when_expired) const noexcept {
  if (!sluice::is_cancelled(error)) {
    return {CloseReason::client, std::nullopt};
  }
  if (!phase_.has_expired()) {
    return {reason_of_cancel(), std::nullopt};
  }
  // RFC 9110 section 15.5.9: a request that has begun is told why the connection ends.
  return {when_expired, when_expired == CloseReason::head_timeout
                            ? std::optional(http::Status::request_timeout)
                            : std::nullopt};
}

sluice::Task<std::expected<void, Connection::NoRequest>> Connection::await_while_warm(
    sluice::TimePoint idle_until) {
  warm_.set(std::min(server_.executor.now() + kWarm, idle_until));
  const auto count = co_await socket_.receive(exchange_->input.room()).within(warm_.scope());
  if (!count) {
    if (sluice::is_cancelled(count.error()) && warm_.has_expired()) {
      exchange_.reset();
      co_return std::expected<void, NoRequest>();
    }
    const bool cancelled = sluice::is_cancelled(count.error());
    co_return std::unexpected(
        NoRequest{cancelled ? reason_of_cancel() : CloseReason::client, std::nullopt});
  }
  if (*count == 0) {
    co_return std::unexpected(NoRequest{CloseReason::client, std::nullopt});
  }
  exchange_->input.received(*count);
  co_return std::expected<void, NoRequest>();
}

// Returns once there is an exchange with something in it.
sluice::Task<std::expected<void, Connection::NoRequest>> Connection::await_request() {
  const auto& idle = server_.timeouts.idle;
  const auto idle_until = idle ? server_.executor.now() + *idle : sluice::kNever;
  if (!exchange_) {
    exchange_ = server_.exchanges.take();
  }
  if (const auto came = co_await await_while_warm(idle_until); !came || exchange_) {
    co_return came;
  }
  if (listener_.draining) {
    co_return std::unexpected(NoRequest{CloseReason::drain, std::nullopt});
  }
  // Silent: wait on, with nothing but the socket.
  if (idle) {
    phase_.set(idle_until);
  } else {
    phase_.clear();
  }
  const auto readable = co_await socket_.wait_readable().within(phase_.scope());
  if (!readable) {
    co_return std::unexpected(lost(readable.error(), CloseReason::idle_timeout));
  }
  exchange_ = server_.exchanges.take();
  const auto count = co_await socket_.receive(exchange_->input.room()).within(phase_.scope());
  if (!count || *count == 0) {
    co_return std::unexpected(count ? NoRequest{CloseReason::client, std::nullopt}
                                    : lost(count.error(), CloseReason::idle_timeout));
  }
  exchange_->input.received(*count);
  co_return std::expected<void, NoRequest>();
}

sluice::Task<Connection::HeadBytes> Connection::read_head() {
  enter(State::idle);
  if (listener_.draining && requests_ > 0 && (!exchange_ || exchange_->input.empty())) {
    co_return std::unexpected(NoRequest{CloseReason::drain, std::nullopt});
  }
  if (!exchange_ || exchange_->input.empty()) {
    const auto came = co_await await_request();
    if (!came) {
      co_return std::unexpected(came.error());
    }
  }
  exchange_->times.began = time_for_log();
  parser_.set_limits(head_limits(server_.limits));
  parser_.reset();
  bool has_deadline = false;
  while (true) {
    const auto bytes = parser_.parse(exchange_->input.view(), exchange_->head);
    if (!bytes) {
      co_return std::unexpected(refuse(bytes.error()));
    }
    if (*bytes > 0) {
      co_return *bytes;
    }
    if (!has_deadline) {
      enter(State::head);
      set_deadline(server_.timeouts.header);
      has_deadline = true;
    }
    const auto room = exchange_->input.room();
    if (room.empty()) {
      co_return std::unexpected(refuse(http::ProtocolError::fields_too_large));
    }
    const auto count = co_await socket_.receive(room).within(phase_.scope());
    if (!count) {
      co_return std::unexpected(lost(count.error(), CloseReason::head_timeout));
    }
    if (*count == 0) {
      // The client may have closed its half only, and then still reads (RFC 9112 section 9.6).
      co_return std::unexpected(NoRequest{CloseReason::client, http::Status::bad_request});
    }
    exchange_->input.received(*count);
  }
}

bool Connection::keeps_alive() const noexcept {
  const http::RequestHead& head = exchange_->head;
  // Who asked for 100 (Continue) and got a final answer may send the body or not: after that nobody
  // knows what the next byte means (RFC 9110 section 10.1.1).
  const bool body_is_clear =
      !head.has_body() ||
      (!head.expect_continue && head.content_length.value_or(0) <= kMostDroppedBodyBytes);
  return head.keep_alive && body_is_clear && !exchange_->response.closes &&
         !exchange_->response.ends_with_connection(head.version) && !listener_.draining &&
         requests_ < server_.limits.requests_per_connection;
}

// Why the connection ends after a response that has been sent whole.
CloseReason Connection::reason_to_close() const noexcept {
  if (listener_.draining) {
    return CloseReason::drain;
  }
  if (requests_ >= server_.limits.requests_per_connection) {
    return CloseReason::request_limit;
  }
  if (exchange_->response.closes) {
    return CloseReason::protocol_error;
  }
  return exchange_->head.has_body() ? CloseReason::body_refused : CloseReason::client;
}

sluice::Task<std::optional<CloseReason>> Connection::serve_one(std::size_t head_bytes) {
  enter(State::request);
  ++requests_;
  const auto began = server_.executor.now();
  const sluice::GaugeGuard in_flight(server_.metrics.requests_in_flight);
  Exchange& exchange = *exchange_;
  exchange.times.head = time_for_log();
  // Until the response has been sent: it refers to what the configuration holds.
  const HandlerRef handler = listener_.handler;
  const Request request{exchange.head, listener_.index, server_.clock.update(), exchange.path};
  if (exchange.head.form == http::TargetForm::asterisk) {
    exchange.response.allow = kMethodsOfServer;
  } else if (!handler->try_respond(request, exchange.response)) {
    co_await handler->respond(request, exchange.response);
  }

  enter(State::response);
  const bool keep_alive = keeps_alive();
  server_.metrics.requests_of(exchange.head.method, exchange.response.status).add();
  auto end = co_await transmit_response(keep_alive, true);
  sluice::observe(server_.metrics.request_duration, server_.executor.now() - began);
  if (!end && !keep_alive) {
    end = reason_to_close();
  }
  exchange.response.clear();
  if (!end) {
    end = co_await drop_body(head_bytes);
  }
  co_return end;
}

sluice::Task<std::optional<CloseReason>> Connection::transmit_response(bool keep_alive,
                                                                       bool has_head) {
  Exchange& exchange = *exchange_;
  const auto room = std::span(exchange.output).first(Exchange::kHeadBytes);
  auto head = render_head(exchange.response, exchange.head, keep_alive, server_.clock.date(), room);
  if (!head) {
    // A name that no field can carry. The page of an error always fits.
    exchange.response.clear();
    exchange.response.set_page(http::Status::internal_server_error);
    head = render_head(exchange.response, exchange.head, keep_alive, server_.clock.date(), room);
  }
  const bool head_only =
      exchange.head.method == http::Method::head || http::forbids_content(exchange.response.status);
  exchange.content_sent = 0;
  exchange.times.response = time_for_log();
  pace_.begin(Pace::Direction::sending);
  auto cut = co_await transmit({server_.executor, socket_, phase_, server_.timeouts.write_stall,
                                server_.metrics, server_.cold_reads, exchange.content_sent},
                               exchange, *head, head_only);
  pace_.end();
  if (cut == TransferCut::drain_cut && life_.is_cancelled()) {
    cut = evicted_               ? TransferCut::evicted
          : pace_.was_too_slow() ? TransferCut::min_rate
                                 : TransferCut::drain_cut;
  }
  log_request(cut, has_head);
  if (cut) {
    ServerMetrics::of(server_.metrics.transfers_cut, *cut).add();
    co_return reason_of(*cut);
  }
  server_.metrics.transfers_complete.add();
  co_return std::nullopt;
}

// Takes the request off the input, and the body that nobody has read with it.
sluice::Task<std::optional<CloseReason>> Connection::drop_body(std::size_t head_bytes) {
  InputBuffer& input = exchange_->input;
  http::BodyDecoder body(exchange_->head);
  input.consume(head_bytes);
  if (body.done()) {
    co_return std::nullopt;
  }
  enter(State::body);
  pace_.begin(Pace::Direction::receiving);
  set_deadline(std::min(kDropBody, server_.timeouts.read_stall.value_or(kDropBody)));
  while (!body.done()) {
    if (input.empty()) {
      const auto count = co_await socket_.receive(input.room()).within(phase_.scope());
      if (!count) {
        co_return lost(count.error(), CloseReason::body_timeout).reason;
      }
      if (*count == 0) {
        co_return CloseReason::client;
      }
      input.received(*count);
    }
    const auto step = body.decode(input.view());
    if (!step) {
      co_return refuse(step.error()).reason;
    }
    input.consume(step->consumed);
    if (body.content_bytes() > kMostDroppedBodyBytes) {
      co_return CloseReason::body_refused;
    }
  }
  pace_.end();
  co_return std::nullopt;
}

// Answers what was no request; the head is not to be looked at.
sluice::Task<void> Connection::answer_and_give_up(http::Status status) {
  enter(State::response);
  Exchange& exchange = *exchange_;
  exchange.head.method = http::Method::other;
  exchange.head.version = http::Version::http_1_1;
  exchange.response.clear();
  exchange.response.set_page(status);
  static_cast<void>(server_.clock.update());
  server_.metrics.requests_of(http::Method::other, status).add();
  static_cast<void>(co_await transmit_response(false, false));
}

}  // namespace sluiced::serve
