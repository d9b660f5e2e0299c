#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <sluice/executor.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>

#include "observe/server_metrics.hpp"
#include "serve/exchange.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// Where a response goes, and how long the client may take nothing.
struct Outlet {
  sluice::Executor& executor;
  const sluice::Socket& socket;
  sluice::Deadline& deadline;
  std::optional<std::chrono::milliseconds> stall;  // nullopt: for ever
  observe::ServerMetrics& metrics;
  std::uint64_t& content_sent;  // of this response

  /// Counts content that the socket has taken. To be called for every byte of it.
  void count(std::uint64_t bytes) const noexcept {
    content_sent += bytes;
    metrics.response_body_bytes.add(bytes);
  }
};

/// Sends `bytes`, of which the first `head_bytes` are head or framing and count as no content.
/// `flags` as in send(2). Returns why it was cut short, if it was.
[[nodiscard]] sluice::Task<std::optional<observe::TransferCut>> send_bytes(const Outlet& outlet,
                                                                           std::string_view bytes,
                                                                           std::size_t head_bytes,
                                                                           int flags);

/// Sends a rendered head and, unless `head_only`, the content of `response`. `head` lies at the
/// beginning of `exchange.output`; the room behind it is used for small contents. Returns why the
/// content was cut short, if it was: the connection cannot go on then.
[[nodiscard]] sluice::Task<std::optional<observe::TransferCut>> transmit(Outlet outlet,
                                                                         Exchange& exchange,
                                                                         std::string_view head,
                                                                         bool head_only);

}  // namespace sluiced::serve
