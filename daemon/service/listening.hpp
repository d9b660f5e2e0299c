#pragma once

#include <expected>
#include <string>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "config/address.hpp"
#include "config/config.hpp"
#include "serve/server.hpp"
#include "service/inherited_sockets.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// All listening sockets of the configuration, a set for each shard.
struct Intake {
  std::vector<std::vector<serve::ListeningSocket>> by_shard;
  /// "http://127.0.0.1:8080/" or "unix:/run/x.sock", in the order of the configuration: with the
  /// port that the kernel chose where 0 was asked for.
  std::vector<std::string> urls;
  /// Files of unix sockets, to be removed in the end.
  std::vector<std::string> unix_paths;
};

/// Binds and listens. Each shard gets a TCP socket of its own on the same port (SO_REUSEPORT), so
/// that the kernel spreads connections and shards share no queue; a unix socket is one, shared.
///
/// Sockets that were handed over under a listener's name take the place of its address and of its
/// backlog, and are left as they are; where there are fewer than shards, shards share them.
[[nodiscard]] std::expected<Intake, StartError> listen_on(
    const std::vector<config::Listener>& listeners, unsigned shard_count,
    InheritedSockets& inherited);

}  // namespace sluiced::service
