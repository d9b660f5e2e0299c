#include "admin/status_snapshot.hpp"

#include <algorithm>
#include <functional>

#include "observe/server_metrics.hpp"

namespace sluiced::admin {

ConnectionRows connections_of(const StatusSnapshot& snapshot) {
  ConnectionRows all;
  for (const ShardStatus& shard : snapshot.shards) {
    if (shard.activity) {
      all.total += shard.activity->connections.total;
      for (const serve::ConnectionFacts& facts : shard.activity->connections.oldest) {
        all.rows.push_back({shard.source.shard, &facts});
      }
    }
  }
  std::ranges::sort(all.rows, std::greater(),
                    [](const ConnectionRow& row) { return row.facts->age; });
  all.rows.resize(std::min(all.rows.size(), kMostConnectionsTold));
  return all;
}

std::uint64_t requests_answered(const observe::ServerMetrics& server) {
  std::uint64_t total = 0;
  for (const auto& of_method : server.requests) {
    for (const sluice::Counter& of_status : of_method) {
      total += of_status.value();
    }
  }
  return total;
}

}  // namespace sluiced::admin
