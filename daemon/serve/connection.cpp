#include "serve/connection.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include <sluice/sync.hpp>

#include "http/body_framing.hpp"
#include "http/protocol_error.hpp"
#include "serve/transmit.hpp"

namespace sluiced::serve {
namespace {

using namespace std::chrono_literals;
using observe::CloseReason;
using observe::ConnectionState;
using observe::ServerMetrics;

constexpr std::chrono::milliseconds kDropBody = 2s;
// Whoever has just connected has a request under way, as a rule.
constexpr sluice::Duration kPatienceWithFirst = 1s;

}  // namespace

Connection::Connection(ServerContext& server, sluice::CancelScope& scope, Client client,
                       const ListenerState& listener)
    : server_(server),
      socket_(std::move(client.socket)),
      listener_(listener),
      place_(std::move(client.place)),
      life_(&scope),
      accepted_at_(server.executor.now()),
      in_state_since_(accepted_at_),
      exchange_(server.exchanges.none()),
      phase_({&server.executor, &life_}),
      // One receive at a time: whoever is busy, or does not read what it is sent, keeps none of the
      // buffers that all share.
      stream_(server.executor, socket_, *server.receive_buffers,
              {.most_waiting = 1,
               .multishot = false,
               .multishot_buffers = server.multishot_buffers.get()}) {
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::enter(State state) noexcept {
  in_state_since_ = server_.executor.now();
  if (state == state_) {
    return;
  }
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
  state_ = state;
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(1);
}

void Connection::set_deadline(const std::optional<std::chrono::milliseconds>& timeout) {
  if (timeout) {
    phase_.set(server_.executor.now() + *timeout);
  } else {
    phase_.clear();
  }
}

// Its frame and the connection are all that an idle client costs: what is awaited only now and then
// is so in other coroutines, and whatever has a name here, or is temporary in a line that awaits,
// is a part of the frame.
sluice::Task<void> Connection::run(std::unique_ptr<Connection> connection) {
  Connection& self = *connection;
  End end;
  try {
    self.take_first_bytes();
    while (!end) {
      if (!self.exchange_) {
        end = self.begin_idle();
        if (!end) {
          auto bytes = co_await self.stream_.next(self.phase_.scope());
          end = self.end_idle(bytes);
        }
      } else if (!self.serve_at_once(end)) {
        end = co_await self.serve_waiting().within(self.life_);
      } else if (self.exchange_ && !end) {
        co_await sluice::yield();  // others have requests, too
      }
    }
  } catch (const std::bad_alloc&) {
    // A limit on the memory of the process has been reached: this client has to come again, and the
    // others are served.
    end = CloseReason::no_memory;
  }
  if (!self.close_at_once(*end)) {
    co_await self.close(*end);
  }
  depart(connection);
}

void Connection::depart(std::unique_ptr<Connection>& connection) {
  const ListenerState& listener = connection->listener_;
  connection.reset();
  listener.departed();
}

// The request has come by now as a rule: the client has sent it right behind its part of the
// handshake. So it is taken without a receive through the ring and a deadline for it.
void Connection::take_first_bytes() {
  exchange_ = server_.exchanges.take();
  const auto count = stream_.try_receive(std::as_writable_bytes(exchange_->input.room()));
  if (count && *count > 0) {
    exchange_->input.add(*count);
    listener_.handler->received_in_turn();
  } else {
    exchange_.reset();  // whatever it is, who waits for bytes will be told
  }
}

Connection::End Connection::begin_idle() {
  enter(State::idle);
  if (life_.is_cancelled()) {
    return reason_of_cancel();
  }
  if (!listener_.draining) {
    set_deadline(server_.timeouts.idle);
    return std::nullopt;
  }
  if (requests_ > 0) {
    return CloseReason::drain;
  }
  phase_.set(in_state_since_ + kPatienceWithFirst);
  return std::nullopt;
}

// Who has just connected has a request under way, as a rule, and would take the end for a failure:
// it keeps its moment.
void Connection::drain() noexcept {
  if (state_ == State::idle && !exchange_) {
    phase_.set(requests_ > 0 ? server_.executor.now() : in_state_since_ + kPatienceWithFirst);
  }
}

Connection::End Connection::end_idle(const sluice::Result<sluice::ReceivedBytes>& bytes) {
  if (!bytes) {
    return reason_of_loss(bytes.error(),
                          listener_.draining ? CloseReason::drain : CloseReason::idle_timeout);
  }
  if (bytes->empty()) {
    return CloseReason::client;
  }
  exchange_ = server_.exchanges.take();
  exchange_->input.append(bytes->bytes());
  return std::nullopt;
}

CloseReason Connection::reason_of_loss(const std::error_code& error,
                                       CloseReason when_expired) const noexcept {
  if (!sluice::is_cancelled(error)) {
    return CloseReason::client;
  }
  return phase_.has_expired() ? when_expired : reason_of_cancel();
}

// Returns when the head is complete.
sluice::Task<Connection::End> Connection::read_head() {
  Exchange& exchange = *exchange_;
  enter(State::head);
  set_deadline(server_.timeouts.header);
  while (true) {
    if (exchange.input.is_full()) {
      exchange.fault = http::ProtocolError::fields_too_large;
      co_return co_await refuse();
    }
    auto bytes = co_await stream_.next(phase_.scope());
    if (!bytes) {
      const CloseReason reason = reason_of_loss(bytes.error(), CloseReason::head_timeout);
      if (reason == CloseReason::head_timeout) {
        // RFC 9110 section 15.5.9: a request that has begun is told why the connection ends.
        co_await answer_and_give_up(http::Status::request_timeout);
      }
      co_return reason;
    }
    if (bytes->empty()) {
      // The client may have closed its half only, and then still reads (RFC 9112 section 9.6).
      co_await answer_and_give_up(http::Status::bad_request);
      co_return CloseReason::client;
    }
    exchange.input.append(bytes->bytes());
    bytes->give_back();
    if (parse_head()) {
      co_return std::nullopt;
    }
    if (exchange.stage == Exchange::Stage::refused) {
      co_return co_await refuse();
    }
  }
}

sluice::Task<Connection::End> Connection::refuse() {
  const http::ProtocolError fault = exchange_->fault;
  ServerMetrics::of(server_.metrics.protocol_errors, fault).add();
  co_await answer_and_give_up(http::protocol_error_status(fault));
  co_return CloseReason::protocol_error;
}

// Takes the body that nobody has read off the input, once its head has been taken.
sluice::Task<Connection::End> Connection::drop_body() {
  InputBuffer& input = exchange_->input;
  http::BodyDecoder body(exchange_->head);
  if (body.done()) {
    co_return std::nullopt;
  }
  enter(State::body);
  Pace pace(
      {server_.executor, socket_, server_.timeouts.min_rate, life_, Pace::Direction::receiving},
      pace_);
  set_deadline(std::min(kDropBody, server_.timeouts.read_stall.value_or(kDropBody)));
  while (!body.done()) {
    if (input.empty()) {
      auto bytes = co_await stream_.next(phase_.scope());
      if (!bytes) {
        co_return reason_of_loss(bytes.error(), CloseReason::body_timeout);
      }
      if (bytes->empty()) {
        co_return CloseReason::client;
      }
      input.append(bytes->bytes());
    }
    const auto step = body.decode(input.view());
    if (!step) {
      ServerMetrics::of(server_.metrics.protocol_errors, step.error()).add();
      co_return CloseReason::protocol_error;
    }
    input.consume(step->consumed);
    if (body.content_bytes() > kMostDroppedBodyBytes) {
      co_return CloseReason::body_refused;
    }
  }
  co_return std::nullopt;
}

}  // namespace sluiced::serve
