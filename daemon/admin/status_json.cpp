#include <cmath>
#include <iterator>
#include <span>

#include <nlohmann/json.hpp>

#include <sluice/executor.hpp>
#include <sluice/metrics.hpp>
#include <sluice/reactor.hpp>

#include "admin/family_list.hpp"
#include "admin/quantile.hpp"
#include "admin/status_snapshot.hpp"
#include "observe/server_metrics.hpp"

namespace sluiced::admin {
namespace {

using Json = nlohmann::ordered_json;
using observe::ServerMetrics;

/// The version of what is written here; another one when a member changes its meaning or goes.
constexpr int kFormat = 1;

template <class Duration>
double seconds(Duration duration) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  return static_cast<double>(microseconds.count()) / 1e6;
}

template <class Number>
Json or_null(const std::optional<Number>& number) {
  return number ? Json(*number) : Json();
}

/// In seconds with three digits, which is more than a histogram knows.
Json quantile_json(std::span<const std::uint64_t> bounds, std::span<const std::uint64_t> buckets,
                   double quantile) {
  const std::optional<double> ns = quantile_of(bounds, buckets, quantile);
  if (!ns || *ns <= 0) {
    return ns ? Json(0.0) : Json();
  }
  const double digit = std::pow(10.0, std::floor(std::log10(*ns)) - 2);
  return std::round(*ns / digit) * digit / kNanosecondsPerSecond;
}

void put_quantiles(Json& out, const HistogramTotal& total) {
  out["p50_seconds"] = quantile_json(total.bounds(), total.buckets(), 0.5);
  out["p99_seconds"] = quantile_json(total.bounds(), total.buckets(), 0.99);
}

/// With all buckets, so that a reader who asks twice can tell what has been in between.
Json histogram_json(const HistogramTotal& total) {
  std::uint64_t count = 0;
  for (const std::uint64_t bucket : total.buckets()) {
    count += bucket;
  }
  Json out = {{"count", count},
              {"sum_seconds", static_cast<double>(total.sum()) / kNanosecondsPerSecond}};
  put_quantiles(out, total);
  out["buckets"] = total.buckets();
  return out;
}

HistogramTotal of_one(const sluice::LatencyHistogram& histogram) {
  HistogramTotal total(sluice::LatencyHistogram::bounds());
  total.add(histogram);
  return total;
}

std::string_view name_of(std::size_t kind) {
  return sluice::name_of(static_cast<sluice::OperationKind>(kind));
}

Json connections_by_state(const ServerMetrics& server) {
  Json out = Json::object();
  for (std::size_t state = 0; state < server.connections.size(); ++state) {
    out[std::string(observe::kConnectionStateNames[state])] = server.connections[state].value();
  }
  return out;
}

Json server_json(const ServerMetrics& server) {
  return {{"connections", connections_by_state(server)},
          {"connections_accepted", server.accepted.value()},
          {"requests_in_flight", server.requests_in_flight.value()},
          {"requests", requests_answered(server)},
          {"response_body_bytes", server.response_body_bytes.value()}};
}

Json shard_json(const ShardStatus& shard) {
  const sluice::ReactorMetrics& reactor = *shard.source.reactor;
  const sluice::ExecutorMetrics& executor = *shard.source.executor;
  Json out = {{"shard", shard.source.shard}, {"answers", shard.activity.has_value()}};
  if (shard.source.server != nullptr) {
    out.update(server_json(*shard.source.server));
  }
  out["operations_in_flight"] = reactor.in_flight.value();
  out["operations_parked"] = reactor.parked.value();
  out["submission_queue_depth"] = reactor.submission_queue_depth.value();
  out["completion_queue_depth"] = reactor.completion_queue_depth.value();
  out["completion_overflows"] = reactor.completion_overflows.value();
  out["tasks"] = executor.tasks_alive.value();
  out["tasks_ready"] = executor.ready.value();
  out["turns"] = executor.turns.value();
  Json& delay = out["loop_delay"] = Json::object();
  put_quantiles(delay, of_one(executor.loop_delay));
  Json& operations = out["operations"] = Json::object();
  for (std::size_t kind = 0; kind < sluice::kOperationKindCount; ++kind) {
    Json& of_kind = operations[std::string(name_of(kind))] = Json::object();
    of_kind["in_flight"] = shard.activity ? Json(shard.activity->operations[kind]) : Json();
    of_kind["count"] = reactor.latency[kind].count();
    of_kind["errors"] = reactor.failed[kind].value();
    put_quantiles(of_kind, of_one(reactor.latency[kind]));
  }
  return out;
}

/// Over all shards.
Json totals_json(const std::vector<ShardStatus>& shards) {
  HistogramTotal requests(sluice::LatencyHistogram::bounds());
  std::vector<HistogramTotal> operations(sluice::kOperationKindCount, requests);
  HistogramTotal delay = requests;
  for (const ShardStatus& shard : shards) {
    if (shard.source.server != nullptr) {
      requests.add(shard.source.server->request_duration);
    }
    delay.add(shard.source.executor->loop_delay);
    for (std::size_t kind = 0; kind < operations.size(); ++kind) {
      operations[kind].add(shard.source.reactor->latency[kind]);
    }
  }
  Json by_kind = Json::object();
  for (std::size_t kind = 0; kind < operations.size(); ++kind) {
    by_kind[std::string(name_of(kind))] = histogram_json(operations[kind]);
  }
  Json bounds = Json::array();
  for (const std::uint64_t bound : requests.bounds()) {
    bounds.push_back(static_cast<double>(bound) / kNanosecondsPerSecond);
  }
  return {{"bounds_seconds", std::move(bounds)},
          {"requests", histogram_json(requests)},
          {"loop_delay", histogram_json(delay)},
          {"operations", std::move(by_kind)}};
}

Json row_json(const ConnectionRow& row) {
  const serve::ConnectionFacts& facts = *row.facts;
  serve::PeerAddress::Text room;
  Json out = {{"shard", row.shard},
              {"state", observe::kConnectionStateNames[static_cast<std::size_t>(facts.state)]},
              {"age_seconds", seconds(facts.age)},
              {"in_state_seconds", seconds(facts.in_state)},
              {"peer", facts.peer.write(room)},
              {"port", facts.peer.port()},
              {"listener", facts.listener},
              {"requests", facts.requests}};
  if (!facts.method.empty()) {
    out["method"] = facts.method;
    out["site"] = facts.site;
    out["path"] = facts.path;
    out["bytes_sent"] = facts.bytes_sent;
    out["bytes_total"] = or_null(facts.bytes_total);
  }
  return out;
}

Json in_flight_json(const StatusSnapshot& snapshot) {
  const ConnectionRows all = connections_of(snapshot);
  Json rows = Json::array();
  for (const ConnectionRow& row : all.rows) {
    rows.push_back(row_json(row));
  }
  return {{"total", all.total}, {"told", all.rows.size()}, {"connections", std::move(rows)}};
}

Json limits_json(const LimitStatus& limits, const std::vector<ListenerStatus>& listeners) {
  Json of_listeners = Json::array();
  for (const ListenerStatus& listener : listeners) {
    of_listeners.push_back({{"name", listener.name},
                            {"url", listener.url},
                            {"max_connections", listener.max_connections},
                            {"backlog", listener.backlog}});
  }
  return {{"max_connections", limits.max_connections},
          {"max_connections_per_address", or_null(limits.max_connections_per_address)},
          {"requests_per_connection", limits.requests_per_connection},
          {"open_files", or_null(limits.open_files)},
          {"listeners", std::move(of_listeners)}};
}

}  // namespace

std::string status_json(const StatusSnapshot& snapshot) {
  const ReloadState& reloads = snapshot.reloads;
  Json out = {{"format", kFormat},
              {"version", snapshot.build.version},
              {"revision", snapshot.build.revision},
              {"time_seconds", seconds(snapshot.taken_at.time_since_epoch())},
              {"uptime_seconds", seconds(snapshot.uptime)},
              {"draining", snapshot.draining}};
  out["configuration"] = {{"generation", configuration_generation(reloads)},
                          {"read_at_seconds", seconds(reloads.last_success.time_since_epoch())},
                          {"reloads_succeeded", reloads.succeeded},
                          {"reloads_failed", reloads.failed},
                          {"last_reload_successful", reloads.last_succeeded}};
  out["log_dropped_lines"] = snapshot.log_dropped_lines;
  out["limits"] = limits_json(snapshot.limits, snapshot.listeners);
  out["totals"] = totals_json(snapshot.shards);
  Json& shards = out["shards"] = Json::array();
  for (const ShardStatus& shard : snapshot.shards) {
    shards.push_back(shard_json(shard));
  }
  out["in_flight"] = in_flight_json(snapshot);
  // Paths of clients are bytes, and need not be UTF-8.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace).append("\n");
}

}  // namespace sluiced::admin
