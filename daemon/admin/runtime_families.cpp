#include "admin/runtime_families.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <sluice/executor.hpp>
#include <sluice/metrics.hpp>
#include <sluice/operation.hpp>
#include <sluice/reactor.hpp>

namespace sluiced::admin {
namespace {

using sluice::Counter;
using sluice::ExecutorMetrics;
using sluice::Gauge;
using sluice::ReactorMetrics;

/// One number of each shard: Number is Counter or Gauge.
template <class Metrics, class Number>
struct Row {
  std::string_view name;
  std::string_view help;
  Number Metrics::* number;
};

constexpr std::array kRingGauges = {
    Row<ReactorMetrics, Gauge>{
        "sluice_ring_submission_queue_depth",
        "Entries in the submission queue when it was last handed to the kernel.",
        &ReactorMetrics::submission_queue_depth},
    Row<ReactorMetrics, Gauge>{"sluice_ring_completion_queue_depth",
                               "Entries found in the completion queue when it was last emptied.",
                               &ReactorMetrics::completion_queue_depth},
    Row<ReactorMetrics, Gauge>{
        "sluice_ring_operations_in_flight",
        "Operations begun and not complete, parked ones included. An idle connection holds one "
        "receive, a listener one accept.",
        &ReactorMetrics::in_flight},
    Row<ReactorMetrics, Gauge>{
        "sluice_ring_operations_parked",
        "Operations in flight that the kernel has not been given yet, for want of room in the "
        "submission or completion queue.",
        &ReactorMetrics::parked},
    Row<ReactorMetrics, Gauge>{"sluice_ring_zero_copy_buffers",
                               "Buffers of zero-copy sends that the kernel has not let go of yet, "
                               "which for TCP is when the "
                               "peer has acknowledged them.",
                               &ReactorMetrics::zero_copy_outstanding},
};

// The entries of the completion queue in all are the sum of sluice_ring_completion_batch_entries.
constexpr std::array kRingCounters = {
    Row<ReactorMetrics, Counter>{"sluice_ring_operations_total", "Operations begun.",
                                 &ReactorMetrics::registered},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_enters_total",
        "Calls of io_uring_enter. Submissions divided by these is how many entries one call "
        "hands over.",
        &ReactorMetrics::enters},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_enter_retries_total",
        "Calls of io_uring_enter that were interrupted or put off (EINTR, EAGAIN, EBUSY).",
        &ReactorMetrics::enter_retries},
    Row<ReactorMetrics, Counter>{"sluice_ring_submissions_total",
                                 "Entries handed to the kernel, those that cancel included.",
                                 &ReactorMetrics::submitted},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_completions_total",
        "Operations that have ended: well, with an error, or cancelled. One that completes many "
        "times counts once, when it ends.",
        &ReactorMetrics::completed},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_operations_parked_total",
        "Operations that had to wait for room in the queues. If this grows, the rings are too "
        "small for the load.",
        &ReactorMetrics::parked_total},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_submission_queue_full_total",
        "Turns in which operations were left parked because the submission queue was used up.",
        &ReactorMetrics::submission_queue_full},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_completion_overflows_total",
        "Turns in which the kernel held completions back because the completion queue was full. "
        "Expected to stay 0.",
        &ReactorMetrics::completion_overflows},
    Row<ReactorMetrics, Counter>{"sluice_ring_cancels_requested_total",
                                 "Operations that were asked to end early.",
                                 &ReactorMetrics::cancels_requested},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_cancels_submitted_total",
        "Cancels handed to the kernel. The others named operations that were parked, or have ended "
        "by themselves meanwhile.",
        &ReactorMetrics::cancels_submitted},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_stale_completions_total",
        "Completions of operations that are not in flight. Anything but 0 is a bug.",
        &ReactorMetrics::stale_completions},
    Row<ReactorMetrics, Counter>{"sluice_ring_wakeups_total",
                                 "Times that another thread woke the shard up.",
                                 &ReactorMetrics::wakeups},
    Row<ReactorMetrics, Counter>{"sluice_ring_zero_copy_released_total",
                                 "Buffers of zero-copy sends that the kernel has let go of.",
                                 &ReactorMetrics::zero_copy_released},
    Row<ReactorMetrics, Counter>{
        "sluice_ring_zero_copy_copied_total",
        "Zero-copy sends that the kernel made a copy for after all. Linux 6.3 or newer tells.",
        &ReactorMetrics::zero_copy_copied},
};

constexpr std::array kExecutorGauges = {
    Row<ExecutorMetrics, Gauge>{
        "sluice_executor_ready_tasks",
        "Coroutines that were ready to run when the last turn of the loop began. A number that "
        "stays high means that the shard has more to do than it can.",
        &ExecutorMetrics::ready},
    Row<ExecutorMetrics, Gauge>{"sluice_executor_tasks",
                                "Tasks that were started and have not ended.",
                                &ExecutorMetrics::tasks_alive},
    Row<ExecutorMetrics, Gauge>{"sluice_executor_frames",
                                "Coroutine frames of the shard that were alive when the last turn "
                                "of the loop had run what was ready.",
                                &ExecutorMetrics::frames_alive},
    Row<ExecutorMetrics, Gauge>{"sluice_executor_timers",
                                "Timers that were set when the last turn of the loop began.",
                                &ExecutorMetrics::timers_armed},
};

constexpr std::array kExecutorCounters = {
    Row<ExecutorMetrics, Counter>{
        "sluice_executor_turns_total",
        "Turns of the loop: due timers, ready coroutines, then one call of the kernel.",
        &ExecutorMetrics::turns},
    Row<ExecutorMetrics, Counter>{"sluice_executor_resumes_total",
                                  "Coroutines taken off the ready queue and run.",
                                  &ExecutorMetrics::resumes},
    Row<ExecutorMetrics, Counter>{"sluice_executor_tasks_spawned_total", "Tasks started.",
                                  &ExecutorMetrics::tasks_spawned},
    Row<ExecutorMetrics, Counter>{"sluice_executor_timers_expired_total", "Timers that came due.",
                                  &ExecutorMetrics::timers_expired},
    Row<ExecutorMetrics, Counter>{"sluice_executor_messages_total",
                                  "Messages that other threads have sent to the shard.",
                                  &ExecutorMetrics::messages_received},
};

constexpr std::size_t kSeriesPerShard =
    kRingGauges.size() + kRingCounters.size() + kExecutorGauges.size() + kExecutorCounters.size();

template <class Metrics>
const Metrics& metrics_of(const ShardSource& shard) noexcept {
  if constexpr (std::is_same_v<Metrics, ReactorMetrics>) {
    return *shard.reactor;
  } else {
    return *shard.executor;
  }
}

template <class Metrics, class Number, std::size_t kSize>
void append_rows(const std::array<Row<Metrics, Number>, kSize>& rows,
                 std::span<const ShardSource> shards, FamilyList& families) {
  for (const auto& row : rows) {
    if constexpr (std::is_same_v<Number, Counter>) {
      families.begin_counter(row.name, row.help);
    } else {
      families.begin_gauge(row.name, row.help);
    }
    for (const ShardSource& shard : shards) {
      families.sample((metrics_of<Metrics>(shard).*row.number).value(), {{"shard", shard.shard}});
    }
  }
}

HistogramTotal total_of(std::span<const ShardSource> shards,
                        sluice::DepthHistogram ReactorMetrics::* histogram) {
  HistogramTotal total(sluice::DepthHistogram::bounds());
  for (const ShardSource& shard : shards) {
    total.add(shard.reactor->*histogram);
  }
  return total;
}

void append_batches(std::span<const ShardSource> shards, FamilyList& families) {
  families.begin_histogram(
      "sluice_ring_submission_batch_entries",
      "Entries handed to the kernel at once, in turns that had any, over all shards.", 1);
  families.sample(total_of(shards, &ReactorMetrics::submission_depths));
  families.begin_histogram(
      "sluice_ring_completion_batch_entries",
      "Completions taken out of the queue at once, in turns that had any, over all shards.", 1);
  families.sample(total_of(shards, &ReactorMetrics::completion_depths));
}

void append_operations(std::span<const ShardSource> shards, FamilyList& families) {
  const auto label_of = [](std::size_t kind) {
    return Label{"operation", sluice::name_of(static_cast<sluice::OperationKind>(kind))};
  };
  families.begin_histogram(
      "sluice_ring_operation_duration_seconds",
      "From the turn an operation was begun in to the turn its end was seen in, over all shards. "
      "One that goes on after a completion, as an accept or the receive of a busy connection, "
      "counts with each, from the one before. Waiting for the other side is part of it: a receive "
      "lasts through the client's idle time, a wake until another thread calls. What could be done "
      "at once, without the ring, is not counted.",
      kNanosecondsPerSecond);
  for (std::size_t kind = 0; kind < sluice::kOperationKindCount; ++kind) {
    HistogramTotal total(sluice::LatencyHistogram::bounds());
    for (const ShardSource& shard : shards) {
      total.add(shard.reactor->latency[kind]);
    }
    families.sample(total, {label_of(kind)});
  }
  families.begin_counter(
      "sluice_ring_operation_errors_total",
      "Operations that ended with an error, over all shards; being cancelled is none. Those of "
      "receive and send are mostly connections that clients have reset.");
  for (std::size_t kind = 0; kind < sluice::kOperationKindCount; ++kind) {
    std::uint64_t total = 0;
    for (const ShardSource& shard : shards) {
      total += shard.reactor->failed[kind].value();
    }
    families.sample(total, {label_of(kind)});
  }
}

void append_loop_delay(std::span<const ShardSource> shards, FamilyList& families) {
  HistogramTotal total(sluice::LatencyHistogram::bounds());
  for (const ShardSource& shard : shards) {
    total.add(shard.executor->loop_delay);
  }
  families.begin_histogram(
      "sluice_executor_loop_delay_seconds",
      "How long a shard ran between two calls of the kernel, over all shards. Whatever completed "
      "meanwhile has waited up to that long.",
      kNanosecondsPerSecond);
  families.sample(total);
}

}  // namespace

void append_runtime_families(std::span<const ShardSource> shards, FamilyList& families) {
  append_rows(kRingGauges, shards, families);
  append_rows(kRingCounters, shards, families);
  append_batches(shards, families);
  append_operations(shards, families);
  append_rows(kExecutorGauges, shards, families);
  append_rows(kExecutorCounters, shards, families);
  append_loop_delay(shards, families);
}

std::size_t max_runtime_series(std::size_t shard_count) noexcept {
  constexpr std::size_t kOfLatency = series_of_histogram(sluice::kLatencyBoundsNs.size());
  constexpr std::size_t kOfDepth = series_of_histogram(sluice::kDepthBounds.size());
  return shard_count * kSeriesPerShard + 2 * kOfDepth +
         sluice::kOperationKindCount * (kOfLatency + 1) + kOfLatency;
}

}  // namespace sluiced::admin
