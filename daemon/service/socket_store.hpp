// The sockets that the service manager holds for the next run: unlike those of its .socket units
// they are made by the daemon, which says what is to be held as its listeners come and go.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "serve/server.hpp"
#include "service/inherited_sockets.hpp"
#include "service/listening.hpp"
#include "service/service_manager.hpp"

namespace sluiced::service {

/// Closes what an earlier run had stored and `config` has no listener for, here and at the manager,
/// so that other listeners can be bound in its place. Blocks; before anything is bound.
void drop_stale_sockets(const ServiceManager& manager, const config::Config& config,
                        InheritedSockets& inherited);

/// Has the sockets stored that are among `by_shard`, of those listeners that are to be.
void store_sockets(const ServiceManager& manager, const std::vector<OpenListener>& listeners,
                   const std::vector<std::vector<serve::ListeningSocket>>& by_shard);

/// Whether anything was stored of these listeners, which are gone; nothing is any more.
bool forget_sockets(const ServiceManager& manager, const std::vector<OpenListener>& gone);

}  // namespace sluiced::service
