#include "admin/metrics_page.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sluice/metrics.hpp>

#include "http/method.hpp"
#include "http/status.hpp"
#include "metrics_page_fixture.hpp"
#include "observe/server_metrics.hpp"

namespace sluiced::admin {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class MetricsPageTest : public PageFixture {};

/// For every histogram of the page: buckets only grow, "+Inf" is the last, and the count is its
/// number. Returns how many histograms there were.
int check_histograms(const ParsedPage& page) {
  int histograms = 0;
  std::uint64_t last = 0;
  for (const std::string& series : page.order) {
    const std::size_t bucket = series.find("_bucket{");
    if (bucket == std::string::npos) {
      last = 0;
      continue;
    }
    const std::uint64_t count = page.number(series);
    EXPECT_GE(count, last) << series;
    last = count;
    const std::size_t le = series.find("le=\"+Inf\"}");
    if (le == std::string::npos) {
      continue;
    }
    ++histograms;
    last = 0;
    std::string labels = series.substr(bucket + 7, le - bucket - 7);
    labels = labels == "{" ? "" : labels.substr(0, labels.size() - 1) + '}';
    EXPECT_EQ(count, page.number(series.substr(0, bucket) + "_count" + labels)) << series;
  }
  return histograms;
}

TEST_F(MetricsPageTest, NamesTheFormatThatItIsServedAs) {
  EXPECT_EQ(kMetricsContentType, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(MetricsPageTest, ShowsNumbersOfARingByShard) {
  make_shards(2);
  shards[0].reactor.submission_queue_depth.set(3);
  shards[1].reactor.submission_queue_depth.set(17);
  control.reactor.submission_queue_depth.set(1);
  EXPECT_EQ(lines_of(render(), "sluice_ring_submission_queue_depth"),
            "# HELP sluice_ring_submission_queue_depth Entries in the submission queue when it was "
            "last handed to the kernel.\n"
            "# TYPE sluice_ring_submission_queue_depth gauge\n"
            "sluice_ring_submission_queue_depth{shard=\"0\"} 3\n"
            "sluice_ring_submission_queue_depth{shard=\"1\"} 17\n"
            "sluice_ring_submission_queue_depth{shard=\"control\"} 1\n");
}

TEST_F(MetricsPageTest, ShowsEachNumberOfARuntimeUnderItsName) {
  make_shards(1);
  sluice::ReactorMetrics& reactor = shards[0].reactor;
  sluice::ExecutorMetrics& executor = shards[0].executor;
  const std::vector<std::pair<std::string, sluice::Gauge*>> gauges = {
      {"sluice_ring_submission_queue_depth", &reactor.submission_queue_depth},
      {"sluice_ring_completion_queue_depth", &reactor.completion_queue_depth},
      {"sluice_ring_operations_in_flight", &reactor.in_flight},
      {"sluice_ring_operations_parked", &reactor.parked},
      {"sluice_ring_zero_copy_buffers", &reactor.zero_copy_outstanding},
      {"sluice_executor_ready_tasks", &executor.ready},
      {"sluice_executor_tasks", &executor.tasks_alive},
      {"sluice_executor_frames", &executor.frames_alive},
      {"sluice_executor_timers", &executor.timers_armed},
  };
  const std::vector<std::pair<std::string, sluice::Counter*>> counters = {
      {"sluice_ring_operations_total", &reactor.registered},
      {"sluice_ring_enters_total", &reactor.enters},
      {"sluice_ring_enter_retries_total", &reactor.enter_retries},
      {"sluice_ring_submissions_total", &reactor.submitted},
      {"sluice_ring_completions_total", &reactor.completed},
      {"sluice_ring_operations_parked_total", &reactor.parked_total},
      {"sluice_ring_submission_queue_full_total", &reactor.submission_queue_full},
      {"sluice_ring_completion_overflows_total", &reactor.completion_overflows},
      {"sluice_ring_cancels_requested_total", &reactor.cancels_requested},
      {"sluice_ring_cancels_submitted_total", &reactor.cancels_submitted},
      {"sluice_ring_stale_completions_total", &reactor.stale_completions},
      {"sluice_ring_wakeups_total", &reactor.wakeups},
      {"sluice_ring_zero_copy_released_total", &reactor.zero_copy_released},
      {"sluice_ring_zero_copy_copied_total", &reactor.zero_copy_copied},
      {"sluice_executor_turns_total", &executor.turns},
      {"sluice_executor_resumes_total", &executor.resumes},
      {"sluice_executor_tasks_spawned_total", &executor.tasks_spawned},
      {"sluice_executor_timers_expired_total", &executor.timers_expired},
      {"sluice_executor_messages_total", &executor.messages_received},
  };
  int next = 100;
  for (const auto& [name, gauge] : gauges) {
    gauge->set(next++);
  }
  for (const auto& [name, counter] : counters) {
    counter->add(static_cast<std::uint64_t>(next++));
  }
  const ParsedPage page(render());
  next = 100;
  for (const auto& [name, gauge] : gauges) {
    EXPECT_EQ(page.value(name + "{shard=\"0\"}"), std::to_string(next++)) << name;
    EXPECT_THAT(page.types, testing::Contains(name + " gauge"));
  }
  for (const auto& [name, counter] : counters) {
    EXPECT_EQ(page.value(name + "{shard=\"0\"}"), std::to_string(next++)) << name;
    EXPECT_THAT(page.types, testing::Contains(name + " counter"));
  }
}

TEST_F(MetricsPageTest, SumsABatchHistogramOverShards) {
  make_shards(2);
  shards[0].reactor.submission_depths.observe(1);
  shards[1].reactor.submission_depths.observe(4);
  shards[1].reactor.submission_depths.observe(5);
  control.reactor.submission_depths.observe(40000);
  const std::string text = lines_of(render(), "sluice_ring_submission_batch_entries");
  EXPECT_THAT(text, HasSubstr("# TYPE sluice_ring_submission_batch_entries histogram\n"
                              "sluice_ring_submission_batch_entries_count 4\n"
                              "sluice_ring_submission_batch_entries_sum 40010\n"
                              "sluice_ring_submission_batch_entries_bucket{le=\"1\"} 1\n"
                              "sluice_ring_submission_batch_entries_bucket{le=\"2\"} 1\n"
                              "sluice_ring_submission_batch_entries_bucket{le=\"4\"} 2\n"
                              "sluice_ring_submission_batch_entries_bucket{le=\"8\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"32768\"} 3\n"
                              "sluice_ring_submission_batch_entries_bucket{le=\"+Inf\"} 4\n"));
}

TEST_F(MetricsPageTest, ShowsDurationsOfOperationsInSecondsByKind) {
  make_shards(2);
  const auto read = static_cast<std::size_t>(sluice::OperationKind::read);
  shards[0].reactor.latency[read].observe(1500);
  shards[1].reactor.latency[read].observe(2'000'000'000);
  shards[1].reactor.failed[read].add(2);
  const ParsedPage page(render());
  const std::string name = "sluice_ring_operation_duration_seconds";
  EXPECT_EQ(page.value(name + "_sum{operation=\"read\"}"), "2.0000015");
  EXPECT_EQ(page.value(name + "_count{operation=\"read\"}"), "2");
  EXPECT_EQ(page.value(name + "_bucket{operation=\"read\",le=\"1e-06\"}"), "0");
  EXPECT_EQ(page.value(name + "_bucket{operation=\"read\",le=\"1.5e-06\"}"), "1");
  EXPECT_EQ(page.value(name + "_bucket{operation=\"read\",le=\"2\"}"), "2");
  EXPECT_EQ(page.value(name + "_count{operation=\"send\"}"), "0");
  EXPECT_EQ(page.value("sluice_ring_operation_errors_total{operation=\"read\"}"), "2");
}

TEST_F(MetricsPageTest, KeepsHistogramsApartAndSumsEachOverShards) {
  make_shards(2);
  for (ShardNumbers& shard : shards) {
    shard.reactor.completion_depths.observe(7);
    shard.executor.loop_delay.observe(30'000);
    shard.server.request_duration.observe(250'000'000);
  }
  control.executor.loop_delay.observe(40'000);
  const ParsedPage page(render());
  EXPECT_EQ(page.value("sluice_ring_submission_batch_entries_count"), "0");
  EXPECT_EQ(page.value("sluice_ring_completion_batch_entries_count"), "2");
  EXPECT_EQ(page.value("sluice_ring_completion_batch_entries_sum"), "14");
  EXPECT_EQ(page.value("sluice_executor_loop_delay_seconds_count"), "3");
  EXPECT_EQ(page.value("sluice_executor_loop_delay_seconds_sum"), "0.0001");
  EXPECT_EQ(page.value("sluiced_http_request_duration_seconds_count"), "2");
  EXPECT_EQ(page.value("sluiced_http_request_duration_seconds_sum"), "0.5");
}

TEST_F(MetricsPageTest, PrintsBoundsWithoutTheNoiseOfDoubles) {
  make_shards(1);
  std::vector<std::string> bounds;
  for (const std::string& series : ParsedPage(render()).order) {
    const std::string begin = "sluice_executor_loop_delay_seconds_bucket{le=\"";
    if (series.starts_with(begin)) {
      bounds.push_back(series.substr(begin.size(), series.size() - begin.size() - 2));
    }
  }
  EXPECT_THAT(bounds, testing::ElementsAre(
                          "1e-06", "1.5e-06", "2e-06", "3e-06", "5e-06", "7e-06", "1e-05",
                          "1.5e-05", "2e-05", "3e-05", "5e-05", "7e-05", "0.0001", "0.00015",
                          "0.0002", "0.0003", "0.0005", "0.0007", "0.001", "0.0015", "0.002",
                          "0.003", "0.005", "0.007", "0.01", "0.015", "0.02", "0.03", "0.05",
                          "0.07", "0.1", "0.15", "0.2", "0.3", "0.5", "0.7", "1", "1.5", "2", "3",
                          "5", "7", "10", "15", "20", "30", "50", "70", "+Inf"));
}

TEST_F(MetricsPageTest, SumsTheDaemonsNumbersOverTheShardsThatServe) {
  make_shards(3);
  using observe::ServerMetrics;
  for (ShardNumbers& shard : shards) {
    shard.server.connections[0].set(5);
    shard.server.accepted.add(7);
    shard.server.accept_back_offs.add(4);
    shard.server.requests_in_flight.set(6);
    shard.server.response_body_bytes.add(std::uint64_t{1} << 40);
    ServerMetrics::of(shard.server.closed, observe::CloseReason::idle_timeout).add(2);
    ServerMetrics::of(shard.server.transfers_cut, observe::TransferCut::source_truncated).add();
    shard.server.transfers_complete.add(10);
    ServerMetrics::of(shard.server.protocol_errors, http::ProtocolError::bare_lf).add(3);
  }
  const ParsedPage page(render());
  EXPECT_EQ(page.value("sluiced_connections{state=\"idle\"}"), "15");
  EXPECT_EQ(page.value("sluiced_connections{state=\"response\"}"), "0");
  EXPECT_EQ(page.value("sluiced_connections_accepted_total"), "21");
  EXPECT_EQ(page.value("sluiced_accept_back_offs_total"), "12");
  EXPECT_EQ(page.value("sluiced_http_requests_in_flight"), "18");
  EXPECT_EQ(page.value("sluiced_http_response_body_bytes_total"), "3298534883328");
  EXPECT_EQ(page.value("sluiced_connections_closed_total{reason=\"idle_timeout\"}"), "6");
  EXPECT_EQ(page.value("sluiced_http_transfers_cut_total{reason=\"source_truncated\"}"), "3");
  EXPECT_EQ(page.value("sluiced_http_transfers_total{outcome=\"source_truncated\"}"), "3");
  EXPECT_EQ(page.value("sluiced_http_transfers_total{outcome=\"complete\"}"), "30");
  EXPECT_EQ(page.value("sluiced_http_protocol_errors_total{reason=\"bare_lf\"}"), "9");
}

TEST_F(MetricsPageTest, ShowsTheUsualAnswersAlwaysAndOthersOnceTheyWereGiven) {
  make_shards(2);
  EXPECT_THAT(lines_of(render(), "sluiced_http_requests_total"),
              testing::EndsWith("# TYPE sluiced_http_requests_total counter\n"
                                "sluiced_http_requests_total{method=\"GET\",code=\"200\"} 0\n"
                                "sluiced_http_requests_total{method=\"GET\",code=\"206\"} 0\n"
                                "sluiced_http_requests_total{method=\"GET\",code=\"304\"} 0\n"
                                "sluiced_http_requests_total{method=\"GET\",code=\"404\"} 0\n"
                                "sluiced_http_requests_total{method=\"HEAD\",code=\"200\"} 0\n"
                                "sluiced_http_requests_total{method=\"HEAD\",code=\"206\"} 0\n"
                                "sluiced_http_requests_total{method=\"HEAD\",code=\"304\"} 0\n"
                                "sluiced_http_requests_total{method=\"HEAD\",code=\"404\"} 0\n"));
  shards[0].server.requests_of(http::Method::put, http::Status::method_not_allowed).add();
  shards[1].server.requests_of(http::Method::put, http::Status::method_not_allowed).add(2);
  shards[1].server.requests_of(http::Method::get, http::Status::ok).add(4);
  const ParsedPage page(render());
  EXPECT_EQ(page.value("sluiced_http_requests_total{method=\"PUT\",code=\"405\"}"), "3");
  EXPECT_EQ(page.value("sluiced_http_requests_total{method=\"GET\",code=\"200\"}"), "4");
}

TEST_F(MetricsPageTest, AsksTheDaemonForWhatNoShardCounts) {
  make_shards(1);
  EXPECT_EQ(ParsedPage(render()).value("sluiced_draining"), "0");
  EXPECT_EQ(ParsedPage(render()).value("sluiced_log_dropped_lines_total"), "0");
  daemon.draining = [] { return true; };
  daemon.log_dropped_lines = [] { return std::uint64_t{42}; };
  EXPECT_EQ(ParsedPage(render()).value("sluiced_draining"), "1");
  EXPECT_EQ(ParsedPage(render()).value("sluiced_log_dropped_lines_total"), "42");
}

TEST_F(MetricsPageTest, TellsHowReloadsHaveGone) {
  make_shards(1);
  daemon.reloads = [] {
    return ReloadState{.succeeded = 3,
                       .failed = 2,
                       .last_succeeded = false,
                       .last_success = std::chrono::system_clock::time_point(
                           std::chrono::milliseconds(1'500'000))};
  };
  const ParsedPage page(render());
  EXPECT_EQ(page.value("sluiced_config_reloads_total{result=\"success\"}"), "3");
  EXPECT_EQ(page.value("sluiced_config_reloads_total{result=\"failure\"}"), "2");
  EXPECT_EQ(page.value("sluiced_config_last_reload_successful"), "0");
  EXPECT_EQ(page.value("sluiced_config_last_reload_success_timestamp_seconds"), "1500");
}

TEST_F(MetricsPageTest, EscapesLabels) {
  make_shards(1);
  build = {"1\"2", "a\\b", "line\nbreak", "le=\"0.07000000000000001"};
  EXPECT_THAT(render(),
              HasSubstr("sluiced_build_info{version=\"1\\\"2\",revision=\"a\\\\b\",compiler=\"line"
                        "\\nbreak\",liburing=\"le=\\\"0.07000000000000001\"} 1\n"));
}

TEST_F(MetricsPageTest, KeepsItsHistogramsConsistent) {
  make_shards(2);
  for (ShardNumbers& shard : shards) {
    touch_everything(shard);
  }
  EXPECT_EQ(check_histograms(ParsedPage(render())),
            static_cast<int>(sluice::kOperationKindCount) + 4);
}

TEST_F(MetricsPageTest, HasAsManySeriesAsItsBoundWhenEverythingWasCounted) {
  make_shards(8);
  for (ShardNumbers& shard : shards) {
    touch_everything(shard);
  }
  EXPECT_EQ(ParsedPage(render()).order.size(), MetricsPage::max_series(9, 0));
  EXPECT_EQ(MetricsPage::max_series(9, 0) - MetricsPage::max_series(8, 0), 28U);
  EXPECT_LE(MetricsPage::max_series(9, 0), 1500U);
}

TEST_F(MetricsPageTest, ShowsEachFamilyOnceUnderAKnownPrefixWithASentence) {
  make_shards(1);
  const std::string text = render();
  std::set<std::string> names;
  for (const std::string& type : ParsedPage(text).types) {
    const std::string name = type.substr(0, type.find(' '));
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_THAT(name, testing::AnyOf(StartsWith("sluice_"), StartsWith("sluiced_"),
                                     StartsWith("process_")));
    EXPECT_THAT(lines_of(text, name), testing::ContainsRegex("# HELP [a-z_]+ [A-Z1].*[.]\n#"));
  }
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST_F(MetricsPageTest, StaysConsistentWhileTheShardsCount) {
  make_shards(1);
  const MetricsPage page(sources, build, daemon);
  std::atomic<bool> stop = false;
  std::thread shard([&] {
    do {
      touch_everything(shards[0]);
    } while (!stop.load(std::memory_order_relaxed));
  });
  const std::string sum = "sluiced_connections_accepted_total";
  std::uint64_t last = 0;
  for (int round = 0; round < 20; ++round) {
    const ParsedPage parsed(page.render());
    check_histograms(parsed);
    EXPECT_GE(parsed.number(sum), last);
    last = parsed.number(sum);
  }
  stop.store(true, std::memory_order_relaxed);
  shard.join();
  EXPECT_EQ(ParsedPage(page.render()).number(sum), shards[0].server.accepted.value());
}

}  // namespace
}  // namespace sluiced::admin
