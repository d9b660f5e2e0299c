#pragma once

#include <cstddef>

#include <sluice/reactor.hpp>
#include <sluice/task.hpp>

#include "http/date.hpp"
#include "http/entity_tag.hpp"
#include "http/request_head.hpp"
#include "http/response_head.hpp"
#include "http/target.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// The wall clock of a server: read when a request needs it, the Date line rendered when the second
/// changes. Belongs to one shard.
class WallClock {
 public:
  WallClock() : date_(read().seconds) {}

  [[nodiscard]] static http::FileTime read() noexcept;
  /// The time now, with the Date line brought up to it.
  http::FileTime update() noexcept {
    const http::FileTime now = read();
    if (now.seconds != date_.time()) {
      date_.update(now.seconds);
    }
    return now;
  }
  [[nodiscard]] const http::DateLine& date() const noexcept { return date_; }

 private:
  http::DateLine date_;
};

/// One request as a handler sees it.
struct Request {
  const http::RequestHead& head;
  std::size_t listener;    // index of the listener that accepted the connection
  http::FileTime now;      // the wall clock
  http::PathBuffer& path;  // room for the normalised path; its contents are the handler's
};

/// Decides what answers a request. One object for each server, used by one shard.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  /// Answers at once if nothing has to be waited for: true, and `response` is filled in. False:
  /// respond() has to be awaited.
  [[nodiscard]] virtual bool try_respond(const Request& request, Response& response) = 0;
  [[nodiscard]] virtual sluice::Task<void> respond(const Request& request, Response& response) = 0;
};

}  // namespace sluiced::serve
