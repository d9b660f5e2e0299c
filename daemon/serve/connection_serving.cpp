// How a request that has come is answered.
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "http/status.hpp"
#include "serve/connection.hpp"
#include "serve/transmit.hpp"

namespace sluiced::serve {
namespace {

using observe::CloseReason;
using observe::ServerMetrics;
using observe::TransferCut;
using Stage = Exchange::Stage;

// What OPTIONS * is told of the server as a whole (RFC 9110 section 9.3.7).
constexpr std::string_view kMethodsOfServer = "GET, HEAD, OPTIONS";

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

Request Connection::request() noexcept {
  Exchange& exchange = *exchange_;
  return {exchange.head, listener_.index, server_.clock.update(server_.executor.now()),
          exchange.path};
}

Outlet Connection::outlet() noexcept {
  return {server_.executor,
          socket_,
          phase_,
          server_.timeouts.write_stall,
          server_.metrics,
          server_.cold_reads,
          server_.bulk_turn,
          exchange_->content_sent};
}

bool Connection::sends_head_only() const noexcept {
  return exchange_->head.method == http::Method::head ||
         http::forbids_content(exchange_->response.status);
}

// Whether the head is complete; if not, the stage says why.
bool Connection::parse_head() {
  Exchange& exchange = *exchange_;
  if (!exchange.parser.has_begun()) {
    exchange.times.began = time_for_log();
    exchange.parser = server_.parser;
  }
  const auto bytes = exchange.parser.parse(exchange.input.view(), exchange.head);
  if (!bytes) {
    exchange.stage = Stage::refused;
    exchange.fault = bytes.error();
    return false;
  }
  exchange.stage = Stage::head;
  exchange.head_bytes = *bytes;
  return *bytes > 0;
}

// Whether the handler has answered without waiting.
bool Connection::try_decide() {
  Exchange& exchange = *exchange_;
  ++requests_;
  exchange.times.head = time_for_log();
  if (exchange.head.form == http::TargetForm::asterisk) {
    exchange.response.allow = kMethodsOfServer;
    return true;
  }
  return listener_.handler->try_respond(request(), exchange.response);
}

// The response is decided.
void Connection::begin_response(bool keep_alive) {
  Exchange& exchange = *exchange_;
  exchange.stage = Stage::content;
  exchange.keep_alive = keep_alive;
  exchange.content_sent = 0;
  exchange.residency = Residency::unknown;
  exchange.has_parted = false;
  exchange.times.response = time_for_log();
  server_.metrics.requests_of(exchange.head.method, exchange.response.status).add();
}

// Its head goes to the output.
void Connection::put_head() {
  Exchange& exchange = *exchange_;
  const auto room = exchange.output.room().first(OutputBuffer::kHeadBytes);
  const auto render = [&] {
    return render_head(exchange.response, exchange.head, exchange.keep_alive, server_.clock.date(),
                       room);
  };
  auto head = render();
  if (!head) {
    // A name that no field can carry. The page of an error always fits.
    exchange.response.clear();
    exchange.response.set_page(http::Status::internal_server_error);
    head = render();
  }
  exchange.output.add_head(head->size());
}

// The response has been sent, all of it or as far as it goes.
Connection::End Connection::finish_response(Cut cut, bool has_head) {
  if (server_.access_log != nullptr) {
    log_request(cut, has_head);
  }
  if (cut) {
    ServerMetrics::of(server_.metrics.transfers_cut, *cut).add();
    return reason_of(*cut);
  }
  server_.metrics.transfers_complete.add();
  return exchange_->keep_alive ? End() : reason_to_close();
}

// Takes the head of the request off the input.
void Connection::finish_request() noexcept {
  Exchange& exchange = *exchange_;
  exchange.input.consume(exchange.head_bytes);
  exchange.head_bytes = 0;
  exchange.parser.reset();
}

// Requests that came together are answered together, as far as the output has room; then it is the
// turn of other connections.
bool Connection::serve_at_once(End& end) {
  Exchange& exchange = *exchange_;
  if (life_.is_cancelled()) {
    end = reason_of_cancel();
    return true;
  }
  const sluice::GaugeGuard in_flight(server_.metrics.requests_in_flight);
  do {
    if (!answer_at_once()) {
      return false;
    }
    sluice::observe(server_.metrics.request_duration, sluice::Duration::zero());
    end = finish_response(std::nullopt, true);
    if (end) {
      return true;
    }
    finish_request();
    if (exchange.input.empty()) {
      exchange_.reset();
      return true;
    }
    exchange.response.clear();
  } while (!exchange.output.empty());
  return true;
}

bool Connection::answer_at_once() {
  Exchange& exchange = *exchange_;
  if (exchange.head_bytes == 0 && !parse_head()) {
    return false;
  }
  if (exchange.head.has_body()) {
    exchange.stage = Stage::begun;
    return false;
  }
  if (!try_decide()) {
    exchange.stage = Stage::lookup;
    return false;
  }
  begin_response(keeps_alive());
  const Outlet here = outlet();
  const bool is_followed =
      exchange.keep_alive && exchange.input.view().size() > exchange.head_bytes;
  if (!is_followed) {
    const std::string_view kept = kept_response(exchange, server_.clock.date());
    if (!kept.empty()) {
      return send_kept_at_once(here, exchange, kept);
    }
  }
  put_head();
  if (!put_content_at_once(here, exchange, sends_head_only())) {
    return send_file_at_once(here, exchange);
  }
  if (is_followed && exchange.output.has_room()) {
    here.count(exchange.output.settle_content());
    return true;
  }
  // Where the client has asked for the end, nothing else follows: MSG_MORE keeps the response back
  // until close() or linger(), which come next, and it shares a segment with the FIN.
  const bool parts = is_last_by_wish();
  const bool is_sent = send_output_at_once(here, exchange.output, parts ? MSG_MORE : 0);
  exchange.has_parted = parts && is_sent;
  return is_sent;
}

// What serve_at_once() has come to has to be waited for.
sluice::Task<Connection::End> Connection::serve_waiting() {
  // What is ready for earlier requests goes first.
  if (exchange_->stage != Stage::content) {
    const Outlet here = outlet();
    const Cut cut = co_await send_output(here, exchange_->output, 0);
    if (cut) {
      co_return reason_of(*cut);
    }
  }
  switch (exchange_->stage) {
    case Stage::head:
      co_return co_await read_head();
    case Stage::refused:
      co_return co_await refuse();
    default:
      co_return co_await serve_one();
  }
}

sluice::Task<Connection::End> Connection::serve_one() {
  Exchange& exchange = *exchange_;
  const auto began = server_.executor.now();
  const sluice::GaugeGuard in_flight(server_.metrics.requests_in_flight);
  // Until the response has been sent: it refers to what the configuration holds.
  const HandlerRef handler = listener_.handler;
  if (exchange.stage != Stage::content) {
    enter(State::request);
    if (const auto fault = find_body_fault()) {
      exchange.fault = *fault;
      co_return co_await refuse();
    }
    const bool is_decided = exchange.stage == Stage::begun && try_decide();
    if (!is_decided) {
      const Request asked = request();
      co_await handler->respond(asked, exchange.response);
    }
    begin_response(keeps_alive());
    put_head();
  }
  End end = co_await transmit_response(true);
  sluice::observe(server_.metrics.request_duration, server_.executor.now() - began);
  if (end) {
    co_return end;
  }
  finish_request();
  exchange.response.clear();
  if (exchange.head.has_body()) {
    end = co_await drop_body();
  }
  if (exchange.input.empty()) {
    exchange_.reset();
  }
  co_return end;
}

sluice::Task<Connection::End> Connection::transmit_response(bool has_head) {
  enter(State::response);
  const Outlet here = outlet();
  Pace pace({server_.executor, socket_, server_.timeouts.min_rate, life_, Pace::Direction::sending},
            pace_);
  Cut cut = co_await transmit(here, *exchange_, sends_head_only());
  if (cut == TransferCut::drain_cut && life_.is_cancelled()) {
    cut = evicted_              ? TransferCut::evicted
          : pace.was_too_slow() ? TransferCut::min_rate
                                : TransferCut::drain_cut;
  }
  co_return finish_response(cut, has_head);
}

// Answers what was no request; the head is not to be looked at.
sluice::Task<void> Connection::answer_and_give_up(http::Status status) {
  Exchange& exchange = *exchange_;
  exchange.head.method = http::Method::other;
  exchange.head.version = http::Version::http_1_1;
  exchange.response.clear();
  exchange.response.set_page(status);
  static_cast<void>(server_.clock.update(server_.executor.now()));
  begin_response(false);
  put_head();
  static_cast<void>(co_await transmit_response(false));
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

// Whether the client has said that it sends no more requests, and has not (RFC 9112 section 9.6).
bool Connection::is_last_by_wish() const noexcept {
  const Exchange& exchange = *exchange_;
  return !exchange.head.keep_alive && !exchange.head.has_body() && !exchange.response.closes &&
         exchange.input.view().size() == exchange.head_bytes;
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

}  // namespace sluiced::serve
