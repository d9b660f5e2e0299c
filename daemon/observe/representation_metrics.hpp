#pragma once

#include <array>

#include <sluice/metrics.hpp>

#include "http/accept_encoding.hpp"

namespace sluiced::observe {

/// What the choice of representations counts on one shard. Written by its shard's thread, read by
/// any.
struct RepresentationMetrics {
  std::array<sluice::Counter, http::kContentCodingCount> encoded;  // 200 and 206 sent with a coding
  sluice::Counter stale_sidecars;    // looked at and ignored: older than their file
  sluice::Counter digests_found;     // wanted, and known already
  sluice::Counter digests_computed;  // wanted, and computed
  sluice::Counter digests_omitted;   // wanted, and not sent: the file is too large, or has changed
};

}  // namespace sluiced::observe
