#include "service/prepare_reload.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/load.hpp"
#include "config/start_settings.hpp"
#include "service/access_log_files.hpp"

namespace sluiced::service {
namespace {

// A socket that was handed over belongs to a name, whatever the address says; any other to its
// address. Port 0 stands for another port each time, so there the name has to be the same, too.
bool is_same(const OpenListener& running, const config::Listener& asked) {
  if (running.is_inherited) {
    return running.options.name == asked.name;
  }
  const bool has_any_port =
      asked.address.family != config::ListenAddress::Family::kUnix && asked.address.port == 0;
  return running.options.address == asked.address &&
         (!has_any_port || running.options.name == asked.name);
}

bool takes_in(const config::ListenAddress& one, const config::ListenAddress& other) noexcept {
  return one.is_wildcard() && one.port == other.port && one.port != 0 &&
         (one.family == other.family || one.is_dual_stack());
}

bool overlap(const config::ListenAddress& one, const config::ListenAddress& other) noexcept {
  constexpr auto kUnix = config::ListenAddress::Family::kUnix;
  if (one.family == kUnix || other.family == kUnix) {
    return one == other;
  }
  return takes_in(one, other) || takes_in(other, one);
}

// A listener that is not the same but has a part of its address in common, as 127.0.0.1:80 has with
// :80, cannot be bound beside the one that serves.
std::expected<void, StartError> check_overlap(const std::vector<OpenListener>& running,
                                              const std::vector<config::Listener>& missing) {
  for (const config::Listener& asked : missing) {
    for (const OpenListener& listener : running) {
      if (!listener.is_inherited && overlap(asked.address, listener.options.address)) {
        return std::unexpected(
            StartError{cli::ExitCode::kOsError,
                       "cannot listen on " + to_string(asked.address) + " (listener '" +
                           asked.name + "') while sluiced listens on " +
                           to_string(listener.options.address) + " (listener '" +
                           listener.options.name + "'): an address that overlaps takes a restart"});
      }
    }
  }
  return {};
}

// The listeners that are new go behind those that stay; indices are put right below.
std::expected<void, StartError> match_listeners(const Running& running,
                                                const std::vector<config::Listener>& asked,
                                                PreparedReload& prepared) {
  std::vector<std::optional<OpenListener>> places(asked.size());
  std::vector<config::Listener> missing;
  std::vector<std::size_t> missing_places;
  for (std::size_t place = 0; place < asked.size(); ++place) {
    const auto found = std::ranges::find_if(running.listeners, [&](const OpenListener& listener) {
      return is_same(listener, asked[place]);
    });
    if (found != running.listeners.end()) {
      places[place] = *found;
      places[place]->options = asked[place];
    } else {
      missing.push_back(asked[place]);
      missing_places.push_back(place);
    }
  }
  if (auto clear = check_overlap(running.listeners, missing); !clear) {
    return std::unexpected(std::move(clear.error()));
  }
  auto intake =
      listen_on(missing, running.shard_count, running.inherited, running.next_listener_id);
  if (!intake) {
    return std::unexpected(std::move(intake.error()));
  }
  for (std::size_t index = 0; index < missing.size(); ++index) {
    places[missing_places[index]] = std::move(intake->listeners[index]);
  }
  for (auto& sockets : intake->by_shard) {
    for (serve::ListeningSocket& socket : sockets) {
      socket.index = missing_places[socket.index];
    }
  }
  prepared.added = std::move(intake->by_shard);
  for (auto& place : places) {
    prepared.listeners.push_back(std::move(*place));
  }
  return {};
}

}  // namespace

std::expected<PreparedReload, StartError> prepare_reload(const Running& running) {
  auto config = config::load_file(running.file);
  if (!config) {
    return std::unexpected(StartError{cli::ExitCode::kConfig, config::format(config.error())});
  }
  PreparedReload prepared;
  for (const config::Diagnostic& warning : config->warnings) {
    prepared.notices.push_back(config::format({warning}));
  }
  for (const auto& setting : config::keep_start_settings(running.sites.config(), *config)) {
    prepared.notices.push_back(config::describe(setting));
  }
  if (const auto refused = running.confinement.refusals(*config); !refused.empty()) {
    return std::unexpected(StartError{cli::ExitCode::kConfig, config::format(refused)});
  }
  const std::vector<config::Listener> asked = config->listeners;
  auto sites = serve::SiteTable::open(std::move(*config), &running.sites);
  if (!sites) {
    return std::unexpected(cannot_open(sites.error()));
  }
  prepared.sites = std::move(*sites);
  if (auto matched = match_listeners(running, asked, prepared); !matched) {
    return std::unexpected(std::move(matched.error()));
  }
  const config::Config& config_now = prepared.sites->config();
  if (config_now.log.access != running.sites.config().log.access) {
    auto files = open_access_log_files(config_now, running.shard_count);
    if (!files) {
      remove_added(running.listeners, prepared.listeners);
      return std::unexpected(std::move(files.error()));
    }
    prepared.log_files = std::move(*files);
  }
  return prepared;
}

void remove_added(const std::vector<OpenListener>& running,
                  const std::vector<OpenListener>& prepared) noexcept {
  for (const OpenListener& listener : prepared) {
    if (std::ranges::find(running, listener.id, &OpenListener::id) == running.end()) {
      remove_socket_file(listener);
    }
  }
}

}  // namespace sluiced::service
