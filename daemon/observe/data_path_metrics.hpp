#pragma once

#include <sluice/metrics.hpp>

#include "observe/cold_read_metrics.hpp"

namespace sluiced::observe {

/// How the contents of files came to their sockets, and what they waited for, on one shard. Written
/// by its shard's thread, read by any.
struct DataPathMetrics {
  sluice::Counter buffered;  // small files sent with their head, from the page cache
  sluice::Counter kept;      // small files sent with their head, from the copy that is kept
  sluice::Counter resident;  // pieces sent by sendfile(2) that were in the page cache
  sluice::Counter cold;      // pieces and small files that a disk was waited for
  sluice::Counter copied;    // pieces read into a buffer, as sendfile(2) may not be used
  sluice::Counter refused;   // files that sendfile(2) refused
  ColdReadMetrics reads;
};

}  // namespace sluiced::observe
