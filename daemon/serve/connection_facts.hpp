#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sluice/clock.hpp>

#include "observe/server_metrics.hpp"
#include "serve/peer_address.hpp"

namespace sluiced::serve {

/// The most of a path that is told of a connection; a longer one is cut, and ends in "...".
inline constexpr std::size_t kLongestPathFact = 256;

/// What one connection is doing, as a value that may leave its shard. It has nothing of a request
/// that could be a secret: no query, no field, no content.
struct ConnectionFacts {
  observe::ConnectionState state = observe::ConnectionState::idle;
  sluice::Duration age{};       // since it was accepted
  sluice::Duration in_state{};  // since it began to do what it does
  PeerAddress peer;
  std::uint32_t requests = 0;  // that it has made, with the one that is being answered
  std::string listener;
  // Of the request that is being answered, and empty while there is none.
  std::string method;                        // http::method_name()
  std::string site;                          // of the configuration
  std::string path;                          // http::Path::relative, as it was decoded
  std::uint64_t bytes_sent = 0;              // of the content, handed to the socket
  std::optional<std::uint64_t> bytes_total;  // nothing when that is not known
};

/// The connections of one shard that are not idle.
struct ActiveConnections {
  std::vector<ConnectionFacts> oldest;  // the oldest first
  std::size_t total = 0;                // how many there are, those that are not told of included
};

}  // namespace sluiced::serve
