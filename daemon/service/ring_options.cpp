#include "service/ring_options.hpp"

#include <algorithm>
#include <bit>

namespace sluiced::service {
namespace {

constexpr unsigned kMostCompletionEntries = 65536;  // IORING_MAX_CQ_ENTRIES
constexpr unsigned kSpareCompletions = 1024;
constexpr sluice::RingRestrictions kRestrictions{kOperationsInUse, kRegistrationsInUse};

}  // namespace

std::size_t connections_per_shard(const std::vector<config::Listener>& listeners,
                                  unsigned shard_count) noexcept {
  std::size_t total = 0;
  for (const config::Listener& listener : listeners) {
    total += listener.max_connections;
  }
  return (total + shard_count - 1) / shard_count;
}

// Each connection has one operation in flight. As much again is kept for what is not a connection's
// own: a ring whose completion queue is full of idle receives would have no room for a read.
sluice::RingOptions ring_options(const config::Config& config, unsigned shard_count) noexcept {
  const std::size_t connections = connections_per_shard(config.listeners, shard_count);
  sluice::RingOptions options;
  options.submission_entries = config.runtime.ring_entries;
  options.completion_entries = static_cast<unsigned>(std::min<std::size_t>(
      std::bit_ceil(2 * connections + kSpareCompletions), kMostCompletionEntries));
  options.restrictions = kRestrictions;
  return options;
}

sluice::RingOptions control_ring_options() noexcept {
  sluice::RingOptions options;
  options.submission_entries = kControlRingEntries;
  options.completion_entries = 4 * kControlRingEntries;
  options.restrictions = kRestrictions;
  return options;
}

std::size_t connections_of(unsigned completion_entries) noexcept {
  return (completion_entries - std::min(completion_entries, kSpareCompletions)) / 2;
}

}  // namespace sluiced::service
