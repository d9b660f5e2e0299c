#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/operation.hpp>

#include "admin/metrics_page.hpp"
#include "serve/connection_facts.hpp"

/// What the daemon is doing at one moment, for /status.json and `sluiced status`.
namespace sluiced::admin {

/// The most connections that a snapshot tells of, on all shards together: the oldest.
inline constexpr std::size_t kMostConnectionsTold = 1000;

/// What only the thread of a shard may look at.
struct ShardActivity {
  std::array<std::uint64_t, sluice::kOperationKindCount> operations{};  // in flight, by kind
  serve::ActiveConnections connections;
};

struct ShardStatus {
  ShardSource source;  // what it counts is read when the snapshot is written
  /// Nothing when the shard did not answer in time.
  std::optional<ShardActivity> activity;
};

/// A listener and its bounds.
struct ListenerStatus {
  std::string name;
  std::string url;
  std::uint64_t max_connections = 0;
  std::uint64_t backlog = 0;
};

/// Bounds that hold now; nothing where there is none.
struct LimitStatus {
  std::uint64_t max_connections = 0;  // of all listeners, as the machine and the rings allow
  std::optional<std::uint64_t> max_connections_per_address;
  std::uint64_t requests_per_connection = 0;
  std::optional<std::uint64_t> open_files;  // descriptors of the process
};

struct StatusSnapshot {
  BuildFacts build;
  std::chrono::system_clock::time_point taken_at;
  std::chrono::steady_clock::duration uptime{};
  bool draining = false;
  ReloadState reloads;
  std::uint64_t log_dropped_lines = 0;
  LimitStatus limits;
  std::vector<ListenerStatus> listeners;
  std::vector<ShardStatus> shards;  // the one that controls last
};

/// A connection that is told of, and its shard.
struct ConnectionRow {
  std::string_view shard;
  const serve::ConnectionFacts* facts = nullptr;
};

/// The oldest kMostConnectionsTold connections of all shards, and how many are active. What it
/// holds belongs to the snapshot.
struct ConnectionRows {
  std::vector<ConnectionRow> rows;  // the oldest first
  std::size_t total = 0;
};
[[nodiscard]] ConnectionRows connections_of(const StatusSnapshot& snapshot);

/// How often the configuration has been taken over, the start included.
[[nodiscard]] inline std::uint64_t configuration_generation(const ReloadState& reloads) noexcept {
  return 1 + reloads.succeeded;
}

/// Requests answered by a shard, whatever came of them.
[[nodiscard]] std::uint64_t requests_answered(const observe::ServerMetrics& server);

/// One JSON object (config/status.schema.json) with an end of line. It is bounded: 2 KiB for a
/// connection, 8 KiB for a shard, and 16 KiB for the rest and each 64 listeners.
[[nodiscard]] std::string status_json(const StatusSnapshot& snapshot);
/// Lines for people. What clients have chosen is printable.
[[nodiscard]] std::string status_text(const StatusSnapshot& snapshot);

}  // namespace sluiced::admin
