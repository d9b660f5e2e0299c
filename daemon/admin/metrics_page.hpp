#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {
struct ExecutorMetrics;
struct ReactorMetrics;
}  // namespace sluice

namespace sluiced::observe {
struct ServerMetrics;
}

/// The numbers of the daemon as a page in the text format of Prometheus.
namespace sluiced::admin {

class AcceptQueues;

/// What the page is to be served as. The parameters are wanted: Prometheus 3 refuses a page whose
/// type it cannot parse, and picks the format by the version.
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The numbers of one shard. Not owned: they must outlive the page.
struct ShardSource {
  std::string shard;  // the label: "0", "1", ..., "control"; no two alike
  const sluice::ReactorMetrics* reactor = nullptr;    // never null
  const sluice::ExecutorMetrics* executor = nullptr;  // never null
  const observe::ServerMetrics* server = nullptr;     // null for a shard that serves no files
};

/// The labels of sluiced_build_info.
struct BuildFacts {
  std::string version;
  std::string revision;
  std::string compiler;
  std::string liburing;
};

/// How reading the configuration again has gone.
struct ReloadState {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  bool last_succeeded = true;                          // so was the start
  std::chrono::system_clock::time_point last_success;  // of the start before the first reload
};

/// What the daemon knows besides the shards' numbers. Called by render(), on its thread; they must
/// not block. An empty one stands for 0, or false.
struct DaemonState {
  std::function<std::uint64_t()> log_dropped_lines;
  std::function<bool()> draining;
  std::function<ReloadState()> reloads;
  const AcceptQueues* accept_queues = nullptr;  // not owned; null: there are none to show
};

/// Reads all numbers when it is asked for the page, and keeps none between two pages, so that
/// nothing is spent while nobody scrapes. What a shard counts is read with relaxed loads while the
/// shard goes on counting: two numbers of one page may be a few events apart, but the count of a
/// histogram is always that of its buckets.
class MetricsPage {
 public:
  MetricsPage(std::vector<ShardSource> shards, BuildFacts build, DaemonState daemon);
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;
  ~MetricsPage();

  /// The page. Any thread, also several at once as far as the callables of DaemonState allow it.
  /// Reads two files of /proc and no disk. Where /proc is not mounted, the families that come from
  /// it are left out.
  [[nodiscard]] std::string render() const;

  /// The most series that a page over `shard_count` shards and `accept_queue_count` listening TCP
  /// sockets can have, whatever clients do: every label is a value of an enum, a shard, a listener
  /// or a build fact. A histogram of b bounds is b + 3 series. config/metrics.md says it in
  /// numbers.
  ///
  ///   shards * 28                       numbers of each ring (19) and each executor (9)
  ///   + 2 * 19                          histograms of both queues' batches
  ///   + operation kinds * (51 + 1)      histogram of durations, errors
  ///   + 51                              histogram of the loop's delay
  ///   + methods * counted statuses      requests, of which 8 are always there
  ///   + 51                              histogram of their durations
  ///   + states + close reasons + protocol errors + transfer outcomes + transfer cuts
  ///   + 4                               accepted, back-offs, requests in flight, body bytes
  ///   + 7                               log, draining, build, reloads
  ///   + 7                               process
  ///   + accept queues * 2               connections and limit
  ///
  /// That is about 1,100, and 28 for each shard.
  [[nodiscard]] static std::size_t max_series(std::size_t shard_count,
                                              std::size_t accept_queue_count) noexcept;

 private:
  class Collector;
  std::unique_ptr<Collector> collector_;
};

}  // namespace sluiced::admin
