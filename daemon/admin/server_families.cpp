#include "admin/server_families.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <sluice/metrics.hpp>

#include "http/method.hpp"
#include "http/protocol_error.hpp"
#include "http/status.hpp"
#include "observe/server_metrics.hpp"

namespace sluiced::admin {
namespace {

using observe::ServerMetrics;

/// The sum over all serving shards of what `read` finds in each.
template <class Read>
auto total(std::span<const ShardSource> shards, Read read) {
  decltype(read(*shards.front().server)) sum = 0;
  for (const ShardSource& shard : shards) {
    if (shard.server != nullptr) {
      sum += read(*shard.server);
    }
  }
  return sum;
}

std::uint64_t total(std::span<const ShardSource> shards, sluice::Counter ServerMetrics::* counter) {
  return total(shards,
               [counter](const ServerMetrics& server) { return (server.*counter).value(); });
}

/// One sample for each element of an array of counters or gauges.
template <class Array, class NameOf>
void append_array(std::span<const ShardSource> shards, Array ServerMetrics::* array,
                  std::string_view label, NameOf name_of, FamilyList& families) {
  for (std::size_t index = 0; index < std::tuple_size_v<Array>; ++index) {
    families.sample(
        total(shards, [array, index](
                          const ServerMetrics& server) { return (server.*array)[index].value(); }),
        {{label, name_of(index)}});
  }
}

void append_connections(std::span<const ShardSource> shards, FamilyList& families) {
  families.begin_gauge(
      "sluiced_connections",
      "Open connections by what they are doing: idle between requests, reading a head, looking at "
      "a request and its file, sending the response, taking a body off, or closing.");
  append_array(
      shards, &ServerMetrics::connections, "state",
      [](std::size_t index) { return observe::kConnectionStateNames[index]; }, families);
  families.begin_counter("sluiced_connections_accepted_total", "Connections accepted.");
  families.sample(total(shards, &ServerMetrics::accepted));
  families.begin_counter("sluiced_accept_back_offs_total",
                         "Times that accepting was put off because no descriptor or memory was "
                         "left. If this grows, raise the limit of open files.");
  families.sample(total(shards, &ServerMetrics::accept_back_offs));
  families.begin_counter("sluiced_receive_buffer_waits_total",
                         "Times that a connection had to wait for one of the buffers that all of a "
                         "shard receive into. Requests are then taken as buffers come free.");
  families.sample(total(shards, &ServerMetrics::receive_waits));
  families.begin_counter("sluiced_connections_closed_total",
                         "Connections closed, by reason. `client` is the usual end; "
                         "`transfer_cut` is told apart by sluiced_http_transfers_cut_total.");
  append_array(
      shards, &ServerMetrics::closed, "reason",
      [](std::size_t index) { return observe::kCloseReasonNames[index]; }, families);
}

/// Whether a row of requests is shown while it is still 0, so that rates and ratios of the usual
/// answers have a value from the first scrape on.
bool is_always_shown(http::Method method, http::Status status) noexcept {
  if (method != http::Method::get && method != http::Method::head) {
    return false;
  }
  return status == http::Status::ok || status == http::Status::partial_content ||
         status == http::Status::not_modified || status == http::Status::not_found;
}

void append_requests(std::span<const ShardSource> shards, FamilyList& families) {
  families.begin_gauge("sluiced_http_requests_in_flight",
                       "Requests whose head has been read and whose response is not complete.");
  families.sample(
      total(shards, [](const ServerMetrics& server) { return server.requests_in_flight.value(); }));

  families.begin_counter("sluiced_http_requests_total",
                         "Requests answered, by method and status code. A row appears with its "
                         "first request; the usual answers to GET and HEAD are always there.");
  for (std::size_t method = 0; method < http::kMethodCount; ++method) {
    for (std::size_t status = 0; status < observe::kCountedStatuses.size(); ++status) {
      const auto count = total(shards, [method, status](const ServerMetrics& server) {
        return server.requests[method][status].value();
      });
      const auto which = static_cast<http::Method>(method);
      const http::Status answer = observe::kCountedStatuses[status];
      if (count != 0 || is_always_shown(which, answer)) {
        families.sample(count, {{"method", http::method_name(which)},
                                {"code", std::to_string(http::status_code(answer))}});
      }
    }
  }

  HistogramTotal duration(sluice::LatencyHistogram::bounds());
  for (const ShardSource& shard : shards) {
    if (shard.server != nullptr) {
      duration.add(shard.server->request_duration);
    }
  }
  families.begin_histogram(
      "sluiced_http_request_duration_seconds",
      "From the end of a request's head to the last byte of its response being handed to the "
      "socket. A client that reads slowly makes its own requests long.",
      kNanosecondsPerSecond);
  families.sample(duration);
}

void append_transfers(std::span<const ShardSource> shards, FamilyList& families) {
  const auto name_of_cut = [](std::size_t index) { return observe::kTransferCutNames[index]; };
  families.begin_counter("sluiced_http_response_body_bytes_total",
                         "Bytes of response bodies handed to sockets; heads are not counted.");
  families.sample(total(shards, &ServerMetrics::response_body_bytes));
  families.begin_counter("sluiced_http_transfers_total",
                         "Response bodies by how they ended: complete, or cut short and why.");
  families.sample(total(shards, &ServerMetrics::transfers_complete), {{"outcome", "complete"}});
  append_array(shards, &ServerMetrics::transfers_cut, "outcome", name_of_cut, families);
  families.begin_counter("sluiced_http_transfers_cut_total",
                         "Response bodies that ended before their promised length, by reason. "
                         "`source_truncated`: the file became shorter while it was being sent; "
                         "`drain_cut`: the time for finishing was over at a stop.");
  append_array(shards, &ServerMetrics::transfers_cut, "reason", name_of_cut, families);
  families.begin_counter(
      "sluiced_http_protocol_errors_total",
      "Requests refused as malformed before anybody looked at what they ask for, by reason.");
  append_array(
      shards, &ServerMetrics::protocol_errors, "reason",
      [](std::size_t index) {
        return http::protocol_error_label(static_cast<http::ProtocolError>(index));
      },
      families);
  families.begin_counter("sluiced_path_rejections_total",
                         "Requests for paths that may not be served, by reason; that nothing is "
                         "there is none. `escape`: out of the root, by `..` or by a link.");
  append_array(
      shards, &ServerMetrics::path_rejections, "reason",
      [](std::size_t index) { return observe::kPathRejectionNames[index]; }, families);
}

void append_file_cache(std::span<const ShardSource> shards, FamilyList& families) {
  using Metrics = observe::FileCacheMetrics;
  const auto total_of = [shards](auto Metrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.file_cache.*member).value();
    });
  };
  families.begin_counter("sluiced_file_cache_lookups_total",
                         "Names looked up among the files that are kept open: found (hit), not "
                         "kept (miss), or kept and looked up again because of its age (stale).");
  families.sample(total_of(&Metrics::hits), {{"result", "hit"}});
  families.sample(total_of(&Metrics::misses), {{"result", "miss"}});
  families.sample(total_of(&Metrics::stale), {{"result", "stale"}});
  families.begin_counter("sluiced_file_cache_evictions_total",
                         "Kept files that were closed to make room for others.");
  families.sample(total_of(&Metrics::evictions));
  families.begin_counter(
      "sluiced_file_cache_invalidations_total",
      "Kept files that were closed because they, or what leads to them, changed.");
  families.sample(total_of(&Metrics::invalidations));
  families.begin_counter("sluiced_file_cache_not_watched_total",
                         "Times that the kernel had no watch left for a file, which is then looked "
                         "up for each request. Raise fs.inotify.max_user_watches.");
  families.sample(total_of(&Metrics::not_watched));
  families.begin_counter("sluiced_file_cache_events_lost_total",
                         "Times that more changed than the kernel keeps in its queue, and all kept "
                         "files were closed. Raise fs.inotify.max_queued_events.");
  families.sample(total_of(&Metrics::events_lost));
  families.begin_gauge("sluiced_file_cache_entries", "Files that are kept open.");
  families.sample(total_of(&Metrics::entries));
}

void append_data_paths(std::span<const ShardSource> shards, FamilyList& families) {
  using Metrics = observe::DataPathMetrics;
  const auto total_of = [shards](auto Metrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.data_paths.*member).value();
    });
  };
  families.begin_counter(
      "sluiced_file_pieces_total",
      "Pieces of files by how they came to the socket: small and in the page cache, with the head "
      "(buffered), or out of a copy of it (kept); by sendfile from the page cache (resident), or "
      "after waiting for the disk "
      "(cold); through a buffer, as the file system is remote or has no sendfile (copied).");
  families.sample(total_of(&Metrics::buffered), {{"path", "buffered"}});
  families.sample(total_of(&Metrics::kept), {{"path", "kept"}});
  families.sample(total_of(&Metrics::resident), {{"path", "resident"}});
  families.sample(total_of(&Metrics::cold), {{"path", "cold"}});
  families.sample(total_of(&Metrics::copied), {{"path", "copied"}});
  const auto opens_of = [shards](auto observe::ColdReadMetrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.file_cache.opens.*member).value();
    });
  };
  const auto reads_of = [shards](auto observe::ColdReadMetrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.data_paths.reads.*member).value();
    });
  };
  families.begin_counter("sluiced_file_waits_queued_total",
                         "Times that a request had to wait before it could wait for a disk or a "
                         "remote file system, as too many others did.");
  families.sample(reads_of(&observe::ColdReadMetrics::queued), {{"operation", "read"}});
  families.sample(opens_of(&observe::ColdReadMetrics::queued), {{"operation", "open"}});
  families.begin_counter("sluiced_file_sendfile_refused_total",
                         "Responses copied because sendfile does not work for their file.");
  families.sample(total_of(&Metrics::refused));
  families.begin_gauge("sluiced_file_waits",
                       "Requests that wait for a disk or a remote file system. If this stays where "
                       "it is, a mount hangs.");
  families.sample(reads_of(&observe::ColdReadMetrics::waiting), {{"operation", "read"}});
  families.sample(opens_of(&observe::ColdReadMetrics::waiting), {{"operation", "open"}});
}

void append_representations(std::span<const ShardSource> shards, FamilyList& families) {
  using Metrics = observe::RepresentationMetrics;
  const auto total_of = [shards](auto Metrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.representations.*member).value();
    });
  };
  families.begin_counter("sluiced_http_encoded_responses_total",
                         "Files of which a precompressed sibling was sent, by content coding.");
  for (std::size_t index = 0; index < http::kContentCodingCount; ++index) {
    families.sample(total(shards,
                          [index](const ServerMetrics& server) {
                            return server.representations.encoded[index].value();
                          }),
                    {{"coding", http::coding_name(static_cast<http::ContentCoding>(index))}});
  }
  families.begin_counter("sluiced_stale_sidecars_total",
                         "Times that a precompressed sibling was ignored because it is older than "
                         "its file. If this grows, compress again.");
  families.sample(total_of(&Metrics::stale_sidecars));
  families.begin_counter(
      "sluiced_http_digests_total",
      "Digests that clients asked for where they are switched on: known already (found), computed, "
      "or not sent, as the file is too large or has changed (omitted).");
  families.sample(total_of(&Metrics::digests_found), {{"result", "found"}});
  families.sample(total_of(&Metrics::digests_computed), {{"result", "computed"}});
  families.sample(total_of(&Metrics::digests_omitted), {{"result", "omitted"}});
}

void append_access_log(std::span<const ShardSource> shards, FamilyList& families) {
  using Metrics = observe::AccessLogMetrics;
  const auto total_of = [shards](auto Metrics::* member) {
    return total(shards, [member](const ServerMetrics& server) {
      return (server.access_log.*member).value();
    });
  };
  families.begin_counter("sluiced_access_log_lines_total", "Lines written to the access log.");
  families.sample(total_of(&Metrics::lines_written));
  families.begin_counter("sluiced_access_log_lines_dropped_total",
                         "Lines that the access log lost, because too many were waiting to be "
                         "written or because writing failed.");
  families.sample(total_of(&Metrics::lines_dropped));
  families.begin_counter("sluiced_access_log_writes_total",
                         "Batches of lines written to the access log.");
  families.sample(total_of(&Metrics::writes));
}

}  // namespace

void append_server_families(std::span<const ShardSource> shards, FamilyList& families) {
  append_connections(shards, families);
  append_requests(shards, families);
  append_transfers(shards, families);
  append_file_cache(shards, families);
  append_data_paths(shards, families);
  append_representations(shards, families);
  append_access_log(shards, families);
}

std::size_t max_server_series() noexcept {
  constexpr std::size_t kSingle = 5;  // accepted, back-offs, waits, requests in flight, body bytes
  constexpr std::size_t kFileCache = 8;
  constexpr std::size_t kDataPaths = 10;
  constexpr std::size_t kRepresentations = http::kContentCodingCount + 4;
  constexpr std::size_t kAccessLog = 3;
  constexpr std::size_t kTransfers = 1 + 2 * observe::kTransferCutNames.size();
  return kSingle + observe::kConnectionStateNames.size() + observe::kCloseReasonNames.size() +
         http::kMethodCount * observe::kCountedStatuses.size() +
         series_of_histogram(sluice::kLatencyBoundsNs.size()) + kTransfers + kFileCache +
         kDataPaths + kRepresentations + kAccessLog + http::kProtocolErrorCount +
         observe::kPathRejectionNames.size();
}

}  // namespace sluiced::admin
