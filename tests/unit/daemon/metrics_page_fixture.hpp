#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/executor.hpp>
#include <sluice/reactor.hpp>

#include "admin/metrics_page.hpp"
#include "observe/server_metrics.hpp"

namespace sluiced::admin {

/// The numbers of one shard, as the runtime and the server would keep them.
struct ShardNumbers {
  sluice::ReactorMetrics reactor;
  sluice::ExecutorMetrics executor;
  observe::ServerMetrics server;
};

/// Counts everything that there is to count once, so that every series there can be is there.
inline void touch_everything(ShardNumbers& shard) {
  using sluice::Counter;
  using sluice::Gauge;
  for (Counter sluice::ReactorMetrics::* counter :
       {&sluice::ReactorMetrics::registered, &sluice::ReactorMetrics::submitted,
        &sluice::ReactorMetrics::completed, &sluice::ReactorMetrics::completion_entries,
        &sluice::ReactorMetrics::enters, &sluice::ReactorMetrics::enter_retries,
        &sluice::ReactorMetrics::parked_total, &sluice::ReactorMetrics::submission_queue_full,
        &sluice::ReactorMetrics::completion_overflows, &sluice::ReactorMetrics::cancels_requested,
        &sluice::ReactorMetrics::stale_completions, &sluice::ReactorMetrics::wakeups}) {
    (shard.reactor.*counter).add();
  }
  for (Gauge sluice::ReactorMetrics::* gauge :
       {&sluice::ReactorMetrics::in_flight, &sluice::ReactorMetrics::parked,
        &sluice::ReactorMetrics::submission_queue_depth,
        &sluice::ReactorMetrics::completion_queue_depth}) {
    (shard.reactor.*gauge).add();
  }
  shard.reactor.submission_depths.observe(3);
  shard.reactor.completion_depths.observe(100000);
  for (std::size_t kind = 0; kind < sluice::kOperationKindCount; ++kind) {
    shard.reactor.latency[kind].observe(1000 * (kind + 1));
    shard.reactor.failed[kind].add();
  }
  for (Counter sluice::ExecutorMetrics::* counter :
       {&sluice::ExecutorMetrics::turns, &sluice::ExecutorMetrics::resumes,
        &sluice::ExecutorMetrics::messages_received}) {
    (shard.executor.*counter).add();
  }
  for (Gauge sluice::ExecutorMetrics::* gauge :
       {&sluice::ExecutorMetrics::ready, &sluice::ExecutorMetrics::tasks_alive,
        &sluice::ExecutorMetrics::timers_armed}) {
    (shard.executor.*gauge).add();
  }
  shard.executor.loop_delay.observe(20000);

  observe::ServerMetrics& server = shard.server;
  const auto touch = [](auto& numbers) {
    for (auto& number : numbers) {
      number.add();
    }
  };
  touch(server.connections);
  touch(server.closed);
  touch(server.protocol_errors);
  touch(server.path_rejections);
  touch(server.transfers_cut);
  for (auto& of_method : server.requests) {
    touch(of_method);
  }
  server.accepted.add();
  server.accept_back_offs.add();
  server.requests_in_flight.add();
  server.response_body_bytes.add();
  server.transfers_complete.add();
  touch(server.representations.encoded);
  server.representations.stale_sidecars.add();
  server.request_duration.observe(1'000'000);
}

/// A page, taken apart again.
class ParsedPage {
 public:
  explicit ParsedPage(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        types.emplace_back(line.substr(7));
      } else if (!line.starts_with('#')) {
        const std::size_t blank = line.rfind(' ');
        order.push_back(line.substr(0, blank));
        EXPECT_TRUE(values_.emplace(line.substr(0, blank), line.substr(blank + 1)).second)
            << "twice: " << line;
      }
    }
  }

  /// The value as it is printed; "none" where there is no such series.
  [[nodiscard]] std::string value(const std::string& series) const {
    const auto found = values_.find(series);
    return found == values_.end() ? "none" : found->second;
  }
  [[nodiscard]] std::uint64_t number(const std::string& series) const {
    const std::string text = value(series);
    EXPECT_NE(text, "none") << series;
    return text == "none" ? 0 : std::stoull(text);
  }

  std::vector<std::string> order;  // the series as they stand in the page
  std::vector<std::string> types;  // "name type"

 private:
  std::map<std::string, std::string> values_;
};

/// A page over `serving` shards, and the control shard, which has no server.
class PageFixture : public testing::Test {
 protected:
  void make_shards(std::size_t serving) {
    for (std::size_t index = 0; index < serving; ++index) {
      const ShardNumbers& shard = shards.emplace_back();
      sources.push_back({std::to_string(index), &shard.reactor, &shard.executor, &shard.server});
    }
    sources.push_back({"control", &control.reactor, &control.executor, nullptr});
  }
  [[nodiscard]] std::string render() const { return MetricsPage(sources, build, daemon).render(); }
  /// The lines of `page` from the help of `family` to that of the next.
  [[nodiscard]] static std::string lines_of(const std::string& page, std::string_view family) {
    const std::size_t begin = page.find("# HELP " + std::string(family) + ' ');
    return begin == std::string::npos ? "none"
                                      : page.substr(begin, page.find("# HELP ", begin + 1) - begin);
  }

  std::deque<ShardNumbers> shards;
  ShardNumbers control;
  std::vector<ShardSource> sources;
  BuildFacts build{"0.1.0", "abc123", "gcc 12.2.0", "2.3"};
  DaemonState daemon;
};

}  // namespace sluiced::admin
