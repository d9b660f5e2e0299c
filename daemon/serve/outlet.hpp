#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include <sluice/executor.hpp>
#include <sluice/semaphore.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>

#include "files/cold_reads.hpp"
#include "observe/server_metrics.hpp"

namespace sluiced::serve {

/// Why a response was cut short, if it was.
using Cut = std::optional<observe::TransferCut>;

/// What one connection sends of a text in one turn of the loop before the others get theirs.
inline constexpr std::size_t kBytesPerTurn = std::size_t{512} * 1024;

/// What large files send in one turn of the loop, over all connections of a shard, so that small
/// requests wait for no more than that. It takes some 0.5 ms on the loopback, where the same thread
/// does the client's half of TCP. Half as much costs 3 % more for each byte of files of 1 MiB, and
/// twice as much saves nothing.
inline constexpr std::size_t kBulkBytesPerTurn = std::size_t{4} * 1024 * 1024;

/// Where a response goes, and how long the client may take nothing.
struct Outlet {
  sluice::Executor& executor;
  const sluice::Socket& socket;
  sluice::Deadline& deadline;
  std::optional<std::chrono::milliseconds> stall;  // nullopt: for ever
  observe::ServerMetrics& metrics;
  files::ColdReads& cold_reads;
  sluice::Semaphore& bulk_turn;  // kBulkBytesPerTurn, which are given back when the turn is over
  std::uint64_t& content_sent;   // of this response

  /// Counts content that the socket has taken. To be called for every byte of it.
  void count(std::uint64_t bytes) const noexcept {
    content_sent += bytes;
    metrics.response_body_bytes.add(bytes);
  }
  /// From now on the client may take nothing for as long as `stall`.
  void allow_stall() const;
  /// Which cut an error of the socket's, or of a wait for it, is.
  [[nodiscard]] observe::TransferCut cut_by(const std::error_code& error) const noexcept;
  /// Whether the connection is to end now; which cut that is.
  [[nodiscard]] Cut find_cut() const noexcept;
};

/// Waits until the socket takes more.
[[nodiscard]] sluice::Task<Cut> await_room(const Outlet& outlet);

/// Sends as much of `bytes` as there is room for, without waiting: how much that was. The first
/// `head_bytes` of them are head or framing and count as no content; `flags` as in send(2). 0 also
/// after an error: whoever waits for room will be told.
[[nodiscard]] std::size_t send_at_once(const Outlet& outlet, std::string_view bytes,
                                       std::size_t head_bytes, int flags) noexcept;

/// Sends all of them.
[[nodiscard]] sluice::Task<Cut> send_bytes(const Outlet& outlet, std::string_view bytes,
                                           std::size_t head_bytes, int flags);

}  // namespace sluiced::serve
