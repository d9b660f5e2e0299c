#include "admin/metrics_page.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "admin/accept_queues.hpp"
#include "admin/family_list.hpp"
#include "admin/process_families.hpp"
#include "admin/runtime_families.hpp"
#include "admin/server_families.hpp"

namespace sluiced::admin {
namespace {

/// Log lines, draining, build; reloads by result, the last one, and its time.
constexpr std::size_t kDaemonSeries = 3 + 4;

/// Copies `page` with the bounds of buckets written as short as they were meant: the serializer
/// prints 16 digits of a double, which makes 0.07 into "0.07000000000000001", and whoever selects
/// by le="0.07" would find nothing. A bound of ours has two digits, so 15 tell it from its
/// neighbours and leave the noise out.
std::string with_short_bounds(std::string_view page) {
  // Quotes inside a label's value are escaped, and no other label's name ends in these letters.
  constexpr std::string_view kBegin = "le=\"";
  constexpr int kExactDigits = 15;
  std::string out;
  out.reserve(page.size());
  std::size_t copied = 0;
  for (std::size_t at = page.find(kBegin); at != std::string_view::npos;
       at = page.find(kBegin, at)) {
    at += kBegin.size();
    const char* const begin = page.data() + at;
    const char* const end = page.data() + std::min(page.find('"', at), page.size());
    double bound = 0;
    if (end - begin > kExactDigits &&
        std::from_chars(begin, end, bound) == std::from_chars_result{end, std::errc{}}) {
      std::array<char, 32> digits;
      const std::to_chars_result shorter =
          std::to_chars(digits.data(), digits.data() + digits.size(), bound,
                        std::chars_format::general, kExactDigits);
      out.append(page, copied, at - copied).append(digits.data(), shorter.ptr);
      copied = static_cast<std::size_t>(end - page.data());
    }
  }
  return out.append(page, copied);
}

}  // namespace

class MetricsPage::Collector final : public prometheus::Collectable {
 public:
  Collector(std::vector<ShardSource> shards, BuildFacts build, DaemonState daemon)
      : shards_(std::move(shards)), build_(std::move(build)), daemon_(std::move(daemon)) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> collected;
    FamilyList families(collected);
    append_daemon_families(families);
    if (daemon_.accept_queues != nullptr) {
      daemon_.accept_queues->append_to(families);
    }
    append_server_families(shards_, families);
    append_runtime_families(shards_, families);
    append_process_families(started_at_, families);
    return collected;
  }

 private:
  void append_daemon_families(FamilyList& families) const {
    families.begin_gauge("sluiced_build_info",
                         "Always 1. The labels tell what the program was built from and with.");
    families.sample(1, {{"version", build_.version},
                        {"revision", build_.revision},
                        {"compiler", build_.compiler},
                        {"liburing", build_.liburing}});
    families.begin_gauge("sluiced_draining",
                         "1 while the daemon finishes what is running before it stops, and accepts "
                         "nothing new; else 0.");
    families.sample(daemon_.draining && daemon_.draining() ? 1 : 0);
    families.begin_counter("sluiced_log_dropped_lines_total",
                           "Log lines lost because nobody took them fast enough, or because "
                           "writing them failed.");
    families.sample(daemon_.log_dropped_lines ? daemon_.log_dropped_lines() : 0);
    append_reload_families(daemon_.reloads ? daemon_.reloads() : ReloadState(), families);
  }

  static void append_reload_families(const ReloadState& reloads, FamilyList& families) {
    families.begin_counter(
        "sluiced_config_reloads_total",
        "How often the configuration was read again. A failure changes nothing.");
    families.sample(reloads.succeeded, {{"result", "success"}});
    families.sample(reloads.failed, {{"result", "failure"}});
    families.begin_gauge("sluiced_config_last_reload_successful",
                         "1 unless the configuration could not be taken over when it was last "
                         "read; else 0, and an older one is running.");
    families.sample(reloads.last_succeeded ? 1 : 0);
    families.begin_gauge("sluiced_config_last_reload_success_timestamp_seconds",
                         "When the configuration that is running was read, in seconds since the "
                         "epoch.");
    families.sample(std::chrono::duration<double>(reloads.last_success.time_since_epoch()).count());
  }

  std::vector<ShardSource> shards_;
  BuildFacts build_;
  DaemonState daemon_;
  std::optional<double> started_at_ = process_start_time();
};

MetricsPage::MetricsPage(std::vector<ShardSource> shards, BuildFacts build, DaemonState daemon)
    : collector_(
          std::make_unique<Collector>(std::move(shards), std::move(build), std::move(daemon))) {}

MetricsPage::~MetricsPage() = default;

std::string MetricsPage::render() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, collector_->Collect());
  return with_short_bounds(out.view());
}

std::size_t MetricsPage::max_series(std::size_t shard_count,
                                    std::size_t accept_queue_count) noexcept {
  return max_runtime_series(shard_count) + max_server_series() + kDaemonSeries + kMaxProcessSeries +
         2 * accept_queue_count;
}

}  // namespace sluiced::admin
