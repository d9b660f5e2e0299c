// How a connection comes to its end, and what is noted of it.
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "http/body_framing.hpp"
#include "serve/connection.hpp"

namespace sluiced::serve {
namespace {

using namespace std::chrono_literals;
using observe::CloseReason;

// After the last response: what is still received and thrown away, and for how long, so that the
// client reads the response and not a reset (RFC 9112 section 9.6).
constexpr std::size_t kMostLingerBytes = std::size_t{256} * 1024;
constexpr sluice::Duration kLinger = 2s;
// Who has been in a state for less than this never gives way: the rest of it may be on its way.
constexpr sluice::Duration kPatience = 250ms;
// Who moves a body at an old modem's pace is not slow; the times are longer than a round trip, and
// than a pause that happens.
constexpr Pace::Judgement kSlow{.healthy = std::uint64_t{8} * 1024, .busy = 500ms, .window = 2s};
// What is logged of what was no request.
constexpr std::size_t kLongestMalformedLine = 256;

// The first line of what came, without its end.
std::string_view first_line(std::string_view received) noexcept {
  return received.substr(0, std::min(received.find_first_of("\r\n"), kLongestMalformedLine));
}

}  // namespace

void Connection::evict() noexcept {
  evicted_ = true;
  life_.cancel();
}

CloseReason Connection::reason_of_cancel() const noexcept {
  if (evicted_) {
    return CloseReason::evicted;
  }
  return pace_ != nullptr && pace_->was_too_slow() ? CloseReason::min_rate : CloseReason::drain;
}

std::optional<Connection::Standing> Connection::standing() const noexcept {
  if (life_.is_cancelled() || server_.executor.now() - in_state_since_ < kPatience) {
    return std::nullopt;
  }
  using Rank = Standing::Rank;
  const std::int64_t since = in_state_since_.time_since_epoch().count();
  switch (state_) {
    case State::closing:
      return Standing{Rank::closing, since};
    case State::idle:
      return Standing{requests_ > 0 ? Rank::idle : Rank::headless, since};
    case State::head:
      return Standing{Rank::headless, since};
    default:
      return std::nullopt;
  }
}

std::optional<Connection::Standing> Connection::standing_by_rate() noexcept {
  if (pace_ == nullptr || life_.is_cancelled() ||
      server_.executor.now() - in_state_since_ < kPatience) {
    return std::nullopt;
  }
  const auto rate = pace_->judge(kSlow);
  if (!rate || *rate >= kSlow.healthy) {
    return std::nullopt;
  }
  return Standing{Standing::Rank::slow, static_cast<std::int64_t>(*rate)};
}

bool Connection::is_draining_its_buffer() const noexcept {
  if (state_ != State::idle || requests_ == 0 ||
      server_.executor.now() - in_state_since_ >= kSlow.window) {
    return false;
  }
  const auto progress = socket_.progress();
  return progress && progress->is_outstanding && Pace::average(*progress) >= kSlow.healthy;
}

// What has come of the body by the time the head was complete, looked at before anybody acts on the
// request: one whose framing is broken is not a request. What comes later is judged when it comes.
std::optional<http::ProtocolError> Connection::find_body_fault() const noexcept {
  if (!exchange_->head.has_body()) {
    return std::nullopt;
  }
  http::BodyDecoder body(exchange_->head);
  std::string_view rest = exchange_->input.view().substr(exchange_->head_bytes);
  while (!body.done() && !rest.empty()) {
    const auto step = body.decode(rest);
    if (!step) {
      return step.error();
    }
    rest.remove_prefix(step->consumed);
  }
  return std::nullopt;
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
      if (exchange_ && exchange_->has_parted) {
        // What is held back is short, and who has asked for the end sends nothing that would be
        // answered by a reset. If it has, the reset would be first.
        return socket_.has_unread_bytes();
      }
      return requests_ > 0 && socket_.has_bytes_underway();
    default:
      return false;
  }
}

void Connection::count_end(CloseReason reason) noexcept {
  observe::ServerMetrics::of(server_.metrics.closed, reason).add();
  server_.metrics.connections[static_cast<std::size_t>(state_)].add(-1);
}

bool Connection::close_at_once(CloseReason reason) noexcept {
  if (stream_.is_receiving() || must_linger(reason)) {
    return false;
  }
  exchange_.reset();
  count_end(reason);
  return true;
}

sluice::Task<void> Connection::close(CloseReason reason) {
  if (must_linger(reason)) {
    co_await linger();
  }
  exchange_.reset();
  co_await stream_.close();
  count_end(reason);
}

sluice::Task<void> Connection::linger() {
  enter(State::closing);
  static_cast<void>(socket_.shut_down(SHUT_WR));  // fails only when all is over
  phase_.set(server_.executor.now() + kLinger);
  std::size_t dropped = 0;
  while (dropped < kMostLingerBytes) {
    const auto bytes = co_await stream_.next(phase_.scope());
    if (!bytes || bytes->empty()) {
      co_return;
    }
    dropped += bytes->bytes().size();
  }
}

sluice::TimePoint Connection::time_for_log() const noexcept {
  return server_.access_log != nullptr ? sluice::Clock::now() : sluice::TimePoint();
}

void Connection::log_request(Cut cut, bool has_head) noexcept {
  const Exchange& exchange = *exchange_;
  // Of a request that began while nothing was logged the times are not known.
  const Exchange::Times& times = exchange.times;
  const bool is_timed = times.began != sluice::TimePoint() && times.response >= times.began &&
                        (!has_head || times.head >= times.began);
  if (!is_timed) {
    return;
  }
  const auto now = sluice::Clock::now();
  PeerAddress::Text room;
  observe::AccessRecord record;
  const http::FileTime wall = WallClock::read();
  record.when_s = wall.seconds;
  record.when_ns = wall.nanoseconds;
  record.client = place_.peer().write(room);
  record.client_port = place_.peer().port();
  record.listener = listener_.name;
  record.site = exchange.response.site;
  record.path = exchange.response.path;
  record.status = http::status_code(exchange.response.status);
  record.content_bytes = exchange.content_sent;
  record.outcome = cut ? observe::kTransferCutNames[static_cast<std::size_t>(*cut)]
                       : std::string_view("complete");
  if (has_head) {
    record.method = exchange.head.method_text;
    record.target = exchange.head.target;
    record.version = exchange.head.version == http::Version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
    record.referer = exchange.head.fields.single(http::KnownField::referer).value_or("");
    record.user_agent = exchange.head.fields.single(http::KnownField::user_agent).value_or("");
    record.header_time = times.head - times.began;
  } else {
    record.target = first_line(exchange.input.view());
    record.header_time = times.response - times.began;
  }
  record.first_byte_time = times.response - times.began;
  record.total_time = now - times.began;
  server_.access_log->add(record);
}

}  // namespace sluiced::serve
