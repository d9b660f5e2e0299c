#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <sluice/clock.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task.hpp>

#include "http/date.hpp"
#include "http/entity_tag.hpp"
#include "http/request_head.hpp"
#include "http/response_head.hpp"
#include "http/target.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// The wall clock of a server: read once in a turn of the loop whose requests need it, the Date
/// line rendered when the second changes. Belongs to one shard.
class WallClock {
 public:
  WallClock() : date_(read().seconds) {}

  [[nodiscard]] static http::FileTime read() noexcept;
  /// The time of a turn that began at `turn` (Executor::now()), with the Date line brought up to
  /// it.
  http::FileTime update(sluice::TimePoint turn) noexcept {
    if (turn != turn_) {
      turn_ = turn;
      now_ = read();
      if (now_.seconds != date_.time()) {
        date_.update(now_.seconds);
      }
    }
    return now_;
  }
  [[nodiscard]] const http::DateLine& date() const noexcept { return date_; }

 private:
  sluice::TimePoint turn_{};  // when now_ was read
  http::FileTime now_{};
  http::DateLine date_;
};

/// One request as a handler sees it.
struct Request {
  const http::RequestHead& head;
  std::size_t listener;    // index of the listener that accepted the connection
  http::FileTime now;      // the wall clock
  http::PathBuffer& path;  // room for the normalised path; its contents are the handler's
};

/// Decides what answers a request. Used by one shard, which has a new one when the configuration
/// has changed; what is being answered by then keeps the old one (HandlerRef).
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  /// To be told of a request that has been received in the very turn of the loop that it is
  /// answered in, other than through the ring: what this turn knows already may be older than the
  /// request.
  virtual void received_in_turn() noexcept {}
  /// Answers at once if nothing has to be waited for: true, and `response` is filled in. False:
  /// respond() has to be awaited.
  [[nodiscard]] virtual bool try_respond(const Request& request, Response& response) = 0;
  [[nodiscard]] virtual sluice::Task<void> respond(const Request& request, Response& response) = 0;

 private:
  friend class HandlerRef;
  std::size_t references_ = 0;
};

/// Shared ownership of a handler, and of the configuration that it answers by. Within one shard, so
/// that it costs a request no atomic operation.
class HandlerRef {
 public:
  HandlerRef() noexcept = default;
  explicit HandlerRef(std::unique_ptr<Handler> handler) noexcept : handler_(handler.release()) {
    acquire();
  }
  HandlerRef(const HandlerRef& other) noexcept : handler_(other.handler_) { acquire(); }
  HandlerRef(HandlerRef&& other) noexcept : handler_(std::exchange(other.handler_, nullptr)) {}
  HandlerRef& operator=(HandlerRef other) noexcept {
    std::swap(handler_, other.handler_);
    return *this;
  }
  ~HandlerRef() {
    if (handler_ != nullptr && --handler_->references_ == 0) {
      const std::unique_ptr<Handler> last(handler_);
    }
  }

  [[nodiscard]] Handler& operator*() const noexcept { return *handler_; }
  [[nodiscard]] Handler* operator->() const noexcept { return handler_; }

 private:
  void acquire() noexcept {
    if (handler_ != nullptr) {
      ++handler_->references_;
    }
  }

  Handler* handler_ = nullptr;
};

}  // namespace sluiced::serve
