#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include <sluice/executor.hpp>
#include <sluice/reactor.hpp>

#include "admin/quantile.hpp"
#include "admin/status_snapshot.hpp"
#include "http/listing_page.hpp"
#include "observe/server_metrics.hpp"
#include "text/printable.hpp"

namespace sluiced::admin {
namespace {

using namespace std::chrono_literals;

/// "3d 4h", "5h 6m", "7m 8s", "9.1s": as exact as a person wants it.
std::string for_people(std::chrono::nanoseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (time < 1min) {
    return fmt::format("{:.1f}s", std::chrono::duration<double>(time).count());
  }
  if (time < 1h) {
    return fmt::format("{}m {}s", whole / 60, whole % 60);
  }
  if (time < 24h) {
    return fmt::format("{}h {}m", whole / 3600, whole / 60 % 60);
  }
  return fmt::format("{}d {}h", whole / 86400, whole / 3600 % 24);
}

/// A time that a histogram knows, in nanoseconds.
std::string short_time(const std::optional<double>& ns) {
  if (!ns) {
    return "-";
  }
  if (*ns < 1e6) {
    return fmt::format("{:.0f}us", *ns / 1e3);
  }
  return *ns < 1e9 ? fmt::format("{:.1f}ms", *ns / 1e6) : fmt::format("{:.1f}s", *ns / 1e9);
}

std::optional<double> p99_of(const sluice::LatencyHistogram& histogram) {
  std::array<std::uint64_t, sluice::LatencyHistogram::kBucketCount> buckets;
  for (std::size_t index = 0; index < buckets.size(); ++index) {
    buckets[index] = histogram.bucket(index);
  }
  return quantile_of(sluice::LatencyHistogram::bounds(), buckets, 0.99);
}

std::string count_of(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void append_summary(std::string& out, const StatusSnapshot& snapshot) {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::array<std::int64_t, observe::kConnectionStateNames.size()> connections{};
  std::int64_t open = 0;
  for (const ShardStatus& shard : snapshot.shards) {
    if (const observe::ServerMetrics* server = shard.source.server) {
      requests += requests_answered(*server);
      bytes += server->response_body_bytes.value();
      for (std::size_t state = 0; state < connections.size(); ++state) {
        connections[state] += server->connections[state].value();
        open += server->connections[state].value();
      }
    }
  }
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "sluiced {}, {} for {}\n", snapshot.build.version,
                 snapshot.draining ? "draining, up" : "up", for_people(snapshot.uptime));
  fmt::format_to(
      to, "configuration {}; {}, {} failed{}\n", configuration_generation(snapshot.reloads),
      count_of(snapshot.reloads.succeeded + snapshot.reloads.failed, "reload"),
      snapshot.reloads.failed, snapshot.reloads.last_succeeded ? "" : ", and so did the last");
  fmt::format_to(to, "{} answered, {} sent\n", count_of(requests, "request"),
                 http::human_size(bytes));
  fmt::format_to(to, "{} of at most {}", count_of(static_cast<std::uint64_t>(open), "connection"),
                 snapshot.limits.max_connections);
  for (std::size_t state = 0; state < connections.size(); ++state) {
    fmt::format_to(to, "{} {} {}", state == 0 ? ":" : ",", connections[state],
                   observe::kConnectionStateNames[state]);
  }
  out += '\n';
}

void append_shards(std::string& out, const StatusSnapshot& snapshot) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "\n{:<8} {:>11} {:>10} {:>7} {:>6} {:>6} {:>11}  {}\n", "SHARD", "CONNECTIONS",
                 "OPERATIONS", "PARKED", "TASKS", "READY", "DELAY P99", "IN FLIGHT");
  for (const ShardStatus& shard : snapshot.shards) {
    std::int64_t connections = 0;
    if (shard.source.server != nullptr) {
      for (const sluice::Gauge& in_state : shard.source.server->connections) {
        connections += in_state.value();
      }
    }
    std::string kinds;
    for (std::size_t kind = 0; shard.activity && kind < sluice::kOperationKindCount; ++kind) {
      // Not the ring's own, which is always there.
      const bool is_own = kind == static_cast<std::size_t>(sluice::OperationKind::wake);
      if (const std::uint64_t count = shard.activity->operations[kind]; count > 0 && !is_own) {
        fmt::format_to(std::back_inserter(kinds), "{}{} {}", kinds.empty() ? "" : ", ", count,
                       sluice::name_of(static_cast<sluice::OperationKind>(kind)));
      }
    }
    const sluice::ExecutorMetrics& executor = *shard.source.executor;
    fmt::format_to(to, "{:<8} {:>11} {:>10} {:>7} {:>6} {:>6} {:>11}  {}\n", shard.source.shard,
                   connections, shard.source.reactor->in_flight.value(),
                   shard.source.reactor->parked.value(), executor.tasks_alive.value(),
                   executor.ready.value(), short_time(p99_of(executor.loop_delay)),
                   shard.activity ? kinds : "does not answer");
  }
}

std::string sent_of(const serve::ConnectionFacts& facts) {
  if (facts.state != observe::ConnectionState::response) {
    return "-";
  }
  return facts.bytes_total ? fmt::format("{} of {}", http::human_size(facts.bytes_sent),
                                         http::human_size(*facts.bytes_total))
                           : http::human_size(facts.bytes_sent);
}

void append_connections(std::string& out, const StatusSnapshot& snapshot) {
  const ConnectionRows all = connections_of(snapshot);
  if (all.rows.empty()) {
    out += "\nNo request is in flight.\n";
    return;
  }
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "\n{:<8} {:<9} {:>8} {:>8} {:<24} {:<12} {:>22} {}\n", "SHARD", "STATE", "AGE",
                 "FOR", "PEER", "SITE", "SENT", "REQUEST");
  for (const ConnectionRow& row : all.rows) {
    const serve::ConnectionFacts& facts = *row.facts;
    serve::PeerAddress::Text room;
    std::string peer(facts.peer.write(room));
    if (facts.peer.kind() == serve::PeerAddress::Kind::ipv6) {
      peer = fmt::format("[{}]:{}", peer, facts.peer.port());
    } else if (facts.peer.kind() == serve::PeerAddress::Kind::ipv4) {
      peer = fmt::format("{}:{}", peer, facts.peer.port());
    }
    const std::string path = facts.path == "." ? std::string() : text::printable(facts.path);
    fmt::format_to(
        to, "{:<8} {:<9} {:>8} {:>8} {:<24} {:<12} {:>22} {}\n", row.shard,
        observe::kConnectionStateNames[static_cast<std::size_t>(facts.state)],
        for_people(facts.age), for_people(facts.in_state), peer,
        facts.site.empty() ? "-" : facts.site, sent_of(facts),
        facts.path.empty() ? std::string("-") : fmt::format("{} /{}", facts.method, path));
  }
  if (all.total > all.rows.size()) {
    fmt::format_to(to, "... and {} more that are younger\n", all.total - all.rows.size());
  }
}

}  // namespace

std::string status_text(const StatusSnapshot& snapshot) {
  std::string out;
  append_summary(out, snapshot);
  append_shards(out, snapshot);
  append_connections(out, snapshot);
  return out;
}

}  // namespace sluiced::admin
