#include "serve/connection.hpp"

#include <sys/socket.h>

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
// After the last response: what is still received and thrown away, and for how long, so that the
// client reads the response and not a reset (RFC 9112 section 9.6).
constexpr std::size_t kMostLingerBytes = std::size_t{256} * 1024;
constexpr sluice::Duration kLinger = 2s;

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
    case TransferCut::drain_cut:
    case TransferCut::source_truncated:
    case TransferCut::io_error:
      break;
  }
  return CloseReason::transfer_cut;
}

}  // namespace

Connection::Connection(ServerContext& server, sluice::TaskContext context, sluice::Socket socket,
                       std::size_t listener)
    : server_(server),
      socket_(std::move(socket)),
      listener_(listener),
      parser_(head_limits(server.limits)),
      exchange_(server.exchanges.none()),
      warm_(context),
      phase_(context) {
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::enter(State state) noexcept {
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
  state_ = state;
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::drain() noexcept {
  if (state_ == State::idle) {
    warm_.scope().cancel();
    phase_.scope().cancel();
  }
}

void Connection::set_deadline(const std::optional<std::chrono::milliseconds>& timeout) {
  if (timeout) {
    phase_.set(server_.executor.now() + *timeout);
  } else {
    phase_.clear();
  }
}

sluice::Task<void> Connection::run() {
  socket_.set_no_delay();
  const CloseReason reason = co_await serve_requests();
  if (must_linger(reason)) {
    co_await linger();
  }
  ServerMetrics::of(server_.metrics.closed, reason).add();
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
}

// Whether closing now could cost the client the last response: it may still be sending, or has not
// taken all of it.
bool Connection::must_linger(CloseReason reason) const noexcept {
  switch (reason) {
    case CloseReason::protocol_error:
    case CloseReason::body_refused:
    case CloseReason::head_timeout:
      return true;
    case CloseReason::client:
    case CloseReason::drain:
    case CloseReason::request_limit:
      return requests_ > 0 && socket_.has_bytes_underway();
    default:
      return false;
  }
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
    return {CloseReason::drain, std::nullopt};
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
        NoRequest{cancelled ? CloseReason::drain : CloseReason::client, std::nullopt});
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
  if (server_.draining && (!exchange_ || exchange_->input.empty())) {
    co_return std::unexpected(NoRequest{CloseReason::drain, std::nullopt});
  }
  if (!exchange_ || exchange_->input.empty()) {
    const auto came = co_await await_request();
    if (!came) {
      co_return std::unexpected(came.error());
    }
  }
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
         !exchange_->response.ends_with_connection(head.version) && !server_.draining &&
         requests_ < server_.limits.requests_per_connection;
}

// Why the connection ends after a response that has been sent whole.
CloseReason Connection::reason_to_close() const noexcept {
  if (server_.draining) {
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
  const Request request{exchange.head, listener_, server_.clock.update(), exchange.path};
  if (!server_.handler.try_respond(request, exchange.response)) {
    co_await server_.handler.respond(request, exchange.response);
  }

  enter(State::response);
  const bool keep_alive = keeps_alive();
  server_.metrics.requests_of(exchange.head.method, exchange.response.status).add();
  auto end = co_await transmit_response(keep_alive);
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

sluice::Task<std::optional<CloseReason>> Connection::transmit_response(bool keep_alive) {
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
  const auto cut = co_await transmit(
      {server_.executor, socket_, phase_, server_.timeouts.write_stall, server_.metrics}, exchange,
      *head, head_only);
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
  while (!body.done()) {
    if (input.empty()) {
      set_deadline(server_.timeouts.read_stall);
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
  static_cast<void>(co_await transmit_response(false));
}

sluice::Task<void> Connection::linger() {
  enter(State::closing);
  socket_.shut_down(SHUT_WR);
  if (!exchange_) {
    co_return;
  }
  phase_.set(server_.executor.now() + kLinger);
  std::size_t dropped = 0;
  while (dropped < kMostLingerBytes) {
    exchange_->input.clear();
    const auto count = co_await socket_.receive(exchange_->input.room()).within(phase_.scope());
    if (!count || *count == 0) {
      co_return;
    }
    dropped += *count;
  }
}

}  // namespace sluiced::serve
