#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/server.hpp"
#include "serve/site_table.hpp"
#include "service/confinement.hpp"
#include "service/inherited_sockets.hpp"
#include "service/listening.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// What is running, as far as a new configuration is to be compared with it.
struct Running {
  const std::filesystem::path& file;
  const serve::SiteTable& sites;
  const Confinement& confinement;
  const std::vector<OpenListener>& listeners;
  InheritedSockets& inherited;
  unsigned shard_count;
  std::size_t next_listener_id;
};

/// A new configuration with all that it needs, of which nothing is in use yet: to drop it changes
/// nothing.
struct PreparedReload {
  std::shared_ptr<const serve::SiteTable> sites;
  std::vector<OpenListener> listeners;                     // in the order of the configuration
  std::vector<std::vector<serve::ListeningSocket>> added;  // by shard, of the new ones among them
  /// Of the access log, by shard; nothing where its settings stay as they are.
  std::optional<std::vector<sluice::UniqueFd>> log_files;
  std::vector<std::string> notices;  // what whoever asked should know
};

/// Reads the file again, opens the roots and binds the listeners that are new. Blocks; for a thread
/// of the blocking pool, while nobody else uses what is running.
[[nodiscard]] std::expected<PreparedReload, StartError> prepare_reload(const Running& running);

/// Removes the files of the unix sockets that were made for a configuration that is not taken over.
void remove_added(const std::vector<OpenListener>& running,
                  const std::vector<OpenListener>& prepared) noexcept;

}  // namespace sluiced::service
