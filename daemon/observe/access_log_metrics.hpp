#pragma once

#include <sluice/metrics.hpp>

namespace sluiced::observe {

/// What the access log of one shard counts. Written by its shard's thread, read by any.
struct AccessLogMetrics {
  sluice::Counter lines_written;
  sluice::Counter lines_dropped;  // no room in the queue, or the write failed
  sluice::Counter writes;         // batches
};

}  // namespace sluiced::observe
