#include "service/socket_store.hpp"

#include <string>

namespace sluiced::service {

void drop_stale_sockets(const ServiceManager& manager, const config::Config& config,
                        InheritedSockets& inherited) {
  std::vector<std::string> kept;
  for (const config::Listener& listener : config.listeners) {
    if (!inherited.has(listener.name)) {
      kept.push_back(stored_name(listener.address));
    }
  }
  if (config.admin.listen && !inherited.has(kAdminListener)) {
    kept.push_back(stored_name(*config.admin.listen));
  }
  const auto dropped = inherited.drop_stored(kept);
  for (const std::string& name : dropped) {
    manager.forget(name);
  }
  if (!dropped.empty()) {
    manager.settle();
  }
}

void store_sockets(const ServiceManager& manager, const std::vector<OpenListener>& listeners,
                   const std::vector<std::vector<serve::ListeningSocket>>& by_shard) {
  for (const OpenListener& listener : listeners) {
    std::vector<int> fds;
    for (const auto& sockets : by_shard) {
      for (const serve::ListeningSocket& socket : sockets) {
        if (socket.id == listener.id) {
          fds.push_back(socket.fd.get());
        }
      }
    }
    if (!listener.stored_as.empty()) {
      manager.store(listener.stored_as, fds);
    }
  }
}

bool forget_sockets(const ServiceManager& manager, const std::vector<OpenListener>& gone) {
  bool any = false;
  for (const OpenListener& listener : gone) {
    if (!listener.stored_as.empty()) {
      manager.forget(listener.stored_as);
      any = true;
    }
  }
  return any;
}

}  // namespace sluiced::service
