#pragma once

#include <sluice/metrics.hpp>

namespace sluiced::observe {

/// What the cache of open files of one shard counts. Written by its shard's thread, read by any.
struct FileCacheMetrics {
  sluice::Counter hits;           // answered with a file that was open
  sluice::Counter misses;         // a name that was not kept
  sluice::Counter stale;          // a name that was kept, but had to be looked up again
  sluice::Counter evictions;      // files closed to make room
  sluice::Counter invalidations;  // files closed because something about them changed
  sluice::Gauge entries;
};

}  // namespace sluiced::observe
