#include "service/supervision.hpp"

#include <chrono>

#include <sluice/timer.hpp>

namespace sluiced::service {
namespace {

using namespace std::chrono_literals;

// Draining has a limit of its own. systemd is asked for more time in pieces, so that it ends a
// daemon that hangs while it stops.
constexpr sluice::Duration kReportInterval = 1s;
constexpr std::chrono::microseconds kExtension = 10s;

}  // namespace

sluice::Task<void> feed_watchdog(const ServiceManager& manager, sluice::ShardSet& shards) {
  const auto limit = manager.watchdog();
  if (!limit) {
    co_return;
  }
  while (true) {
    for (unsigned index = 0; index < shards.size(); ++index) {
      co_await shards.submit_to(index, [](sluice::Shard&) {});
    }
    manager.feed_watchdog();
    const auto slept = co_await sluice::sleep_for(*limit / 2);
    if (!slept) {
      co_return;
    }
  }
}

sluice::Task<void> report_draining(const ServiceManager& manager,
                                   std::function<std::string()> status) {
  if (!manager.is_there()) {
    co_return;
  }
  while (true) {
    manager.extend_timeout(kExtension);
    manager.say(status());
    const auto slept = co_await sluice::sleep_for(kReportInterval);
    if (!slept) {
      co_return;
    }
  }
}

}  // namespace sluiced::service
