#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <sluice/metrics.hpp>

namespace prometheus {
struct ClientMetric;
struct MetricFamily;
}  // namespace prometheus

namespace sluiced::admin {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

/// Histograms over the same bounds, added up.
class HistogramTotal {
 public:
  /// `bounds` are those of a sluice::Histogram, which are constants.
  explicit HistogramTotal(std::span<const std::uint64_t> bounds)
      : bounds_(bounds), buckets_(bounds.size() + 1) {}

  template <std::size_t kBoundCount, const std::array<std::uint64_t, kBoundCount>& kBounds>
  void add(const sluice::Histogram<kBoundCount, kBounds>& histogram) {
    for (std::size_t index = 0; index < buckets_.size(); ++index) {
      buckets_[index] += histogram.bucket(index);
    }
    sum_ += histogram.sum();
  }

  [[nodiscard]] std::span<const std::uint64_t> bounds() const noexcept { return bounds_; }
  /// One more than there are bounds, not cumulated.
  [[nodiscard]] std::span<const std::uint64_t> buckets() const noexcept { return buckets_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::span<const std::uint64_t> bounds_;
  std::vector<std::uint64_t> buckets_;
  std::uint64_t sum_ = 0;
};

/// What divides nanoseconds into the seconds that Prometheus wants.
inline constexpr double kNanosecondsPerSecond = 1e9;

/// How many series a histogram makes: its bounds, "+Inf", the sum and the count.
constexpr std::size_t series_of_histogram(std::size_t bound_count) noexcept {
  return bound_count + 3;
}

/// Appends metric families to a list of prometheus-cpp's, whose headers stay behind this class. A
/// family is begun by its type; the samples that follow are its own.
class FamilyList {
 public:
  explicit FamilyList(std::vector<prometheus::MetricFamily>& families) noexcept
      : families_(families) {}

  void begin_counter(std::string_view name, std::string_view help);
  void begin_gauge(std::string_view name, std::string_view help);
  /// Bounds and sums of its samples are divided by `units_per_base_unit`: kNanosecondsPerSecond,
  /// or 1 for plain numbers.
  void begin_histogram(std::string_view name, std::string_view help, double units_per_base_unit);

  template <class Number>
    requires std::is_arithmetic_v<Number>
  void sample(Number value, Labels labels = {}) {
    add_value(static_cast<double>(value), labels);
  }
  void sample(const HistogramTotal& total, Labels labels = {});

 private:
  void add_value(double value, Labels labels);
  prometheus::ClientMetric& add_metric(Labels labels);

  std::vector<prometheus::MetricFamily>& families_;
  double units_per_base_unit_ = 1;
};

}  // namespace sluiced::admin
