#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sluice/metrics.hpp>

#include "http/method.hpp"
#include "http/protocol_error.hpp"
#include "http/status.hpp"
#include "observe/access_log_metrics.hpp"
#include "observe/data_path_metrics.hpp"
#include "observe/file_cache_metrics.hpp"
#include "observe/path_rejection.hpp"
#include "observe/representation_metrics.hpp"

/// What one server (the connections of one shard) counts. Written by its shard's thread, read by
/// any. Every label is a value of an enum: nothing a client sends can make a new series.
namespace sluiced::observe {

/// What a connection is doing.
enum class ConnectionState : std::uint8_t {
  idle,      // between requests, or before the first
  head,      // a request head has begun and is not complete
  request,   // a request is being looked at, its file opened
  response,  // the response is being sent
  body,      // a request body that nobody wants is taken off the connection
  closing,   // the last response is out; waiting for the client to finish
};
inline constexpr std::array<std::string_view, 6> kConnectionStateNames = {
    "idle", "head", "request", "response", "body", "closing"};

/// Why a connection was closed.
enum class CloseReason : std::uint8_t {
  client,          // the client closed it, or asked for it to be closed
  idle_timeout,    // nothing came for the idle time
  head_timeout,    // a request head took too long
  body_timeout,    // a request body that is dropped took too long
  write_stall,     // the client took nothing for the write time
  protocol_error,  // the request was malformed
  request_limit,   // as many requests as a connection may make
  body_refused,    // a request body too large to be dropped
  transfer_cut,    // the response could not be completed; see TransferCut
  drain,           // the daemon is stopping
  io_error,        // the socket failed
  min_rate,        // the client moved a body too slowly
  evicted,         // it was idle or slow, and gave way to a new one at the limit of connections
  per_address,     // the client's address has as many connections as it may
  no_memory,       // the system had none for its request
};
inline constexpr std::array<std::string_view, 15> kCloseReasonNames = {
    "client",         "idle_timeout",  "head_timeout", "body_timeout", "write_stall",
    "protocol_error", "request_limit", "body_refused", "transfer_cut", "drain",
    "io_error",       "min_rate",      "evicted",      "per_address",  "no_memory"};

/// Why a response body ended before its promised length.
enum class TransferCut : std::uint8_t {
  client_abort,      // the client went away
  write_stall,       // the client stopped taking
  source_truncated,  // the file has become shorter than it was
  io_error,          // the file could not be read
  drain_cut,         // the time for finishing was over
  min_rate,          // the client took it too slowly
  evicted,           // it went slowly, and gave way at the limit of connections
};
inline constexpr std::array<std::string_view, 7> kTransferCutNames = {
    "client_abort", "write_stall", "source_truncated", "io_error",
    "drain_cut",    "min_rate",    "evicted"};

/// The statuses that are counted, each under its number.
inline constexpr std::array kCountedStatuses = {
    http::Status::ok,
    http::Status::no_content,
    http::Status::partial_content,
    http::Status::moved_permanently,
    http::Status::found,
    http::Status::not_modified,
    http::Status::temporary_redirect,
    http::Status::permanent_redirect,
    http::Status::bad_request,
    http::Status::forbidden,
    http::Status::not_found,
    http::Status::method_not_allowed,
    http::Status::request_timeout,
    http::Status::gone,
    http::Status::precondition_failed,
    http::Status::content_too_large,
    http::Status::uri_too_long,
    http::Status::range_not_satisfiable,
    http::Status::expectation_failed,
    http::Status::misdirected_request,
    http::Status::request_header_fields_too_large,
    http::Status::internal_server_error,
    http::Status::not_implemented,
    http::Status::service_unavailable,
    http::Status::http_version_not_supported,
};

/// The place of a status in kCountedStatuses; that of 500 for one that is not there.
constexpr std::size_t status_index(http::Status status) noexcept {
  std::size_t fallback = 0;
  for (std::size_t index = 0; index < kCountedStatuses.size(); ++index) {
    if (kCountedStatuses[index] == status) {
      return index;
    }
    if (kCountedStatuses[index] == http::Status::internal_server_error) {
      fallback = index;
    }
  }
  return fallback;
}

struct alignas(64) ServerMetrics {
  std::array<sluice::Gauge, kConnectionStateNames.size()> connections;
  std::array<sluice::Counter, kCloseReasonNames.size()> closed;
  sluice::Counter accepted;
  sluice::Counter accept_back_offs;  // accepting put off: no descriptor or memory left
  sluice::Counter receive_waits;     // a connection waited for a buffer to receive into
  sluice::Gauge requests_in_flight;
  // By method and status.
  std::array<std::array<sluice::Counter, kCountedStatuses.size()>, http::kMethodCount> requests;
  std::array<sluice::Counter, http::kProtocolErrorCount> protocol_errors;
  std::array<sluice::Counter, kPathRejectionNames.size()> path_rejections;
  sluice::Counter response_body_bytes;  // really handed to the socket
  std::array<sluice::Counter, kTransferCutNames.size()> transfers_cut;
  sluice::Counter transfers_complete;
  FileCacheMetrics file_cache;
  DataPathMetrics data_paths;
  RepresentationMetrics representations;
  AccessLogMetrics access_log;
  sluice::LatencyHistogram request_duration;  // head complete to last byte handed to the socket

  [[nodiscard]] sluice::Counter& requests_of(http::Method method, http::Status status) noexcept {
    return requests[static_cast<std::size_t>(method)][status_index(status)];
  }
  template <class Enum, std::size_t kSize>
  static sluice::Counter& of(std::array<sluice::Counter, kSize>& counters, Enum which) noexcept {
    return counters[static_cast<std::size_t>(which)];
  }
};

}  // namespace sluiced::observe
