#pragma once

#include <sluice/metrics.hpp>

namespace sluiced::observe {

/// What waits for disks and remote file systems on one shard. Written by its shard's thread, read
/// by any.
struct ColdReadMetrics {
  sluice::Counter queued;  // there was no place to be had at once
  sluice::Gauge waiting;   // places taken
};

}  // namespace sluiced::observe
