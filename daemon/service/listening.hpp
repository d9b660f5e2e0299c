#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "config/address.hpp"
#include "config/config.hpp"
#include "serve/server.hpp"
#include "service/inherited_sockets.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// What the listener for operators is called.
inline constexpr std::string_view kAdminListener = "admin";

/// What is known of a listener whose sockets are bound.
struct OpenListener {
  std::size_t id = 0;  // never that of another one in the life of the process
  config::Listener options;
  /// "http://127.0.0.1:8080/" or "unix:/run/x.sock": with the port that the kernel chose where 0
  /// was asked for.
  std::string url;
  /// The file of a unix socket, to be removed in the end; else empty.
  std::string unix_path;
  /// The service manager made its sockets.
  bool is_inherited = false;
  /// What the manager stores its sockets under; empty where it is not to.
  std::string stored_as;
  /// How many of its sockets an earlier run made and stored.
  std::size_t kept_sockets = 0;
  std::shared_ptr<serve::ConnectionLimit> limit;
};

/// All listening sockets of the configuration, a set for each shard.
struct Intake {
  std::vector<std::vector<serve::ListeningSocket>> by_shard;
  std::vector<OpenListener> listeners;  // in the order of the configuration
};

/// Binds and listens. Each shard gets a TCP socket of its own on the same port (SO_REUSEPORT), so
/// that the kernel spreads connections and shards share no queue; a unix socket is one, shared.
///
/// Sockets that were handed over under a listener's name take the place of its address and of its
/// backlog, and are left as they are. Sockets that an earlier run made for the same address and had
/// stored are taken up again. Where there are fewer of either than shards, shards share them.
///
/// The listeners get ids from `first_id` on.
[[nodiscard]] std::expected<Intake, StartError> listen_on(
    const std::vector<config::Listener>& listeners, unsigned shard_count,
    InheritedSockets& inherited, std::size_t first_id = 0);

/// Removes the file of a unix socket that was made here, if there is one.
void remove_socket_file(const OpenListener& listener) noexcept;

}  // namespace sluiced::service
