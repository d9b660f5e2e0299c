// Status codes that the daemon sends (RFC 9110 section 15, RFC 6585, RFC 4918).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluiced::http {

enum class Status : std::uint16_t {
  continue_ = 100,
  ok = 200,
  created = 201,
  no_content = 204,
  partial_content = 206,
  moved_permanently = 301,
  found = 302,
  not_modified = 304,
  temporary_redirect = 307,
  permanent_redirect = 308,
  bad_request = 400,
  unauthorized = 401,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  conflict = 409,
  gone = 410,
  length_required = 411,
  precondition_failed = 412,
  content_too_large = 413,
  uri_too_long = 414,
  unsupported_media_type = 415,
  range_not_satisfiable = 416,
  expectation_failed = 417,
  misdirected_request = 421,
  request_header_fields_too_large = 431,
  internal_server_error = 500,
  not_implemented = 501,
  service_unavailable = 503,
  http_version_not_supported = 505,
  insufficient_storage = 507,
};

/// A status and the reason phrase that the registry gives it.
struct StatusReason {
  Status status;
  std::string_view reason;
};

/// Every status that is sent, in ascending order: a bounded set, fit for metrics.
inline constexpr auto kStatuses = std::to_array<StatusReason>({
    {Status::continue_, "Continue"},
    {Status::ok, "OK"},
    {Status::created, "Created"},
    {Status::no_content, "No Content"},
    {Status::partial_content, "Partial Content"},
    {Status::moved_permanently, "Moved Permanently"},
    {Status::found, "Found"},
    {Status::not_modified, "Not Modified"},
    {Status::temporary_redirect, "Temporary Redirect"},
    {Status::permanent_redirect, "Permanent Redirect"},
    {Status::bad_request, "Bad Request"},
    {Status::unauthorized, "Unauthorized"},
    {Status::forbidden, "Forbidden"},
    {Status::not_found, "Not Found"},
    {Status::method_not_allowed, "Method Not Allowed"},
    {Status::request_timeout, "Request Timeout"},
    {Status::conflict, "Conflict"},
    {Status::gone, "Gone"},
    {Status::length_required, "Length Required"},
    {Status::precondition_failed, "Precondition Failed"},
    {Status::content_too_large, "Content Too Large"},
    {Status::uri_too_long, "URI Too Long"},
    {Status::unsupported_media_type, "Unsupported Media Type"},
    {Status::range_not_satisfiable, "Range Not Satisfiable"},
    {Status::expectation_failed, "Expectation Failed"},
    {Status::misdirected_request, "Misdirected Request"},
    {Status::request_header_fields_too_large, "Request Header Fields Too Large"},
    {Status::internal_server_error, "Internal Server Error"},
    {Status::not_implemented, "Not Implemented"},
    {Status::service_unavailable, "Service Unavailable"},
    {Status::http_version_not_supported, "HTTP Version Not Supported"},
    {Status::insufficient_storage, "Insufficient Storage"},
});

/// The three digits as a number.
constexpr unsigned status_code(Status status) { return static_cast<unsigned>(status); }

/// Whether the answer is an error: 4xx or 5xx.
constexpr bool is_error(Status status) { return status_code(status) >= 400; }

/// Whether a response with this status never has content (RFC 9110 sections 15.2, 15.3.5, 15.4.5).
constexpr bool forbids_content(Status status) {
  return status_code(status) < 200 || status == Status::no_content ||
         status == Status::not_modified;
}

/// The reason phrase of `status`.
constexpr std::string_view reason_phrase(Status status) {
  for (const StatusReason& entry : kStatuses) {
    if (entry.status == status) return entry.reason;
  }
  return "";
}

}  // namespace sluiced::http
