#include "http/protocol_error.hpp"

namespace sluiced::http {

Status protocol_error_status(ProtocolError error) {
  switch (error) {
    case ProtocolError::uri_too_long:
      return Status::uri_too_long;
    case ProtocolError::fields_too_large:
    case ProtocolError::too_many_fields:
    case ProtocolError::trailers_too_large:
      return Status::request_header_fields_too_large;
    case ProtocolError::unsupported_version:
      return Status::http_version_not_supported;
    case ProtocolError::unknown_transfer_coding:
      return Status::not_implemented;
    case ProtocolError::unknown_expectation:
      return Status::expectation_failed;
    default:
      return Status::bad_request;
  }
}

std::string_view protocol_error_label(ProtocolError error) {
  switch (error) {
    case ProtocolError::not_http:
      return "not_http";
    case ProtocolError::bare_lf:
      return "bare_lf";
    case ProtocolError::bare_cr:
      return "bare_cr";
    case ProtocolError::bad_request_line:
      return "bad_request_line";
    case ProtocolError::bad_method:
      return "bad_method";
    case ProtocolError::bad_target:
      return "bad_target";
    case ProtocolError::uri_too_long:
      return "uri_too_long";
    case ProtocolError::bad_version:
      return "bad_version";
    case ProtocolError::unsupported_version:
      return "unsupported_version";
    case ProtocolError::bad_field:
      return "bad_field";
    case ProtocolError::obs_fold:
      return "obs_fold";
    case ProtocolError::fields_too_large:
      return "header_too_large";
    case ProtocolError::too_many_fields:
      return "too_many_headers";
    case ProtocolError::missing_host:
      return "missing_host";
    case ProtocolError::bad_host:
      return "bad_host";
    case ProtocolError::host_mismatch:
      return "host_mismatch";
    case ProtocolError::bad_content_length:
      return "bad_cl";
    case ProtocolError::te_and_cl:
      return "te_cl";
    case ProtocolError::bad_transfer_encoding:
      return "bad_te";
    case ProtocolError::unknown_transfer_coding:
      return "unknown_te";
    case ProtocolError::unknown_expectation:
      return "bad_expectation";
    case ProtocolError::bad_chunk:
      return "bad_chunk";
    case ProtocolError::bad_chunk_extension:
      return "bad_chunk_extension";
    case ProtocolError::chunk_extension_too_large:
      return "chunk_extension_too_large";
    case ProtocolError::bad_trailer:
      return "bad_trailer";
    case ProtocolError::trailers_too_large:
      return "trailers_too_large";
  }
  return "unknown";
}

}  // namespace sluiced::http
