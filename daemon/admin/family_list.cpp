#include "admin/family_list.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

namespace sluiced::admin {
namespace {

prometheus::MetricFamily family(std::string_view name, std::string_view help,
                                prometheus::MetricType type) {
  return {std::string(name), std::string(help), type, {}};
}

}  // namespace

void FamilyList::begin_counter(std::string_view name, std::string_view help) {
  families_.push_back(family(name, help, prometheus::MetricType::Counter));
}

void FamilyList::begin_gauge(std::string_view name, std::string_view help) {
  families_.push_back(family(name, help, prometheus::MetricType::Gauge));
}

void FamilyList::begin_histogram(std::string_view name, std::string_view help,
                                 double units_per_base_unit) {
  families_.push_back(family(name, help, prometheus::MetricType::Histogram));
  units_per_base_unit_ = units_per_base_unit;
}

void FamilyList::sample(const HistogramTotal& total, Labels labels) {
  auto& histogram = add_metric(labels).histogram;
  histogram.bucket.reserve(total.buckets().size());
  // The count is what the buckets add up to: one kept beside them could disagree with them.
  std::uint64_t count = 0;
  for (std::size_t index = 0; index < total.bounds().size(); ++index) {
    count += total.buckets()[index];
    histogram.bucket.push_back(
        {count, static_cast<double>(total.bounds()[index]) / units_per_base_unit_});
  }
  count += total.buckets().back();
  histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
  histogram.sample_count = count;
  histogram.sample_sum = static_cast<double>(total.sum()) / units_per_base_unit_;
}

void FamilyList::add_value(double value, Labels labels) {
  const bool is_counter = families_.back().type == prometheus::MetricType::Counter;
  prometheus::ClientMetric& metric = add_metric(labels);
  if (is_counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

prometheus::ClientMetric& FamilyList::add_metric(Labels labels) {
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const Label& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  return metric;
}

}  // namespace sluiced::admin
