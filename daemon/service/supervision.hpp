#pragma once

#include <functional>
#include <string>

#include <sluice/shard.hpp>
#include <sluice/task.hpp>

#include "service/service_manager.hpp"

/// What the service manager is told while the daemon runs. Tasks of the control loop; they run
/// until they are cancelled. What they refer to must outlive them.
namespace sluiced::service {

/// Tells the watchdog that the daemon is alive, at half its interval, but only once every shard has
/// answered: a daemon of which one shard hangs is a daemon that hangs. Ends at once where there is
/// no watchdog.
[[nodiscard]] sluice::Task<void> feed_watchdog(const ServiceManager& manager,
                                               sluice::ShardSet& shards);

/// Asks for more time again and again while connections are drained, and says how it goes.
[[nodiscard]] sluice::Task<void> report_draining(const ServiceManager& manager,
                                                 std::function<std::string()> status);

}  // namespace sluiced::service
