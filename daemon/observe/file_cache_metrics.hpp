#pragma once

#include <sluice/metrics.hpp>

#include "observe/cold_read_metrics.hpp"

namespace sluiced::observe {

/// What the cache of open files of one shard counts. Written by its shard's thread, read by any.
struct FileCacheMetrics {
  sluice::Counter hits;           // answered with a file that was open
  sluice::Counter misses;         // a name that was not kept
  sluice::Counter stale;          // a name that was kept, but had to be looked up again
  sluice::Counter evictions;      // files closed to make room
  sluice::Counter invalidations;  // files closed because something about them changed
  sluice::Counter not_watched;    // files that inotify refused to watch: a limit was reached
  sluice::Counter events_lost;    // times that inotify had more to tell than it can keep
  sluice::Gauge entries;
  ColdReadMetrics opens;  // of remote files
};

}  // namespace sluiced::observe
