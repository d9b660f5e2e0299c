// What can be wrong with a request as a message: each error has one status and one metrics label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/status.hpp"

namespace sluiced::http {

/// Why a request was refused before anybody looked at what it asks for. The framing of a connection
/// is not to be trusted after any of these: answer, then close.
enum class ProtocolError : std::uint8_t {
  not_http,                 // the first byte cannot begin a request: a TLS hello, or binary
  bare_lf,                  // LF without CR before it
  bare_cr,                  // CR without LF after it
  bad_request_line,         // not three parts with single spaces between them
  bad_method,               // not a token
  bad_target,               // a byte, a form or a scheme that is not served
  uri_too_long,             // the request line is longer than the limit
  bad_version,              // not "HTTP/" digit "." digit
  unsupported_version,      // a version that is not 1.x
  bad_field,                // no colon, a name that is not a token, or a control byte
  obs_fold,                 // a field line that begins with a blank (RFC 9112 section 5.2)
  fields_too_large,         // the field section is longer than the limit
  too_many_fields,          // more field lines than the limit
  missing_host,             // HTTP/1.1 without Host
  bad_host,                 // repeated, empty, or not host [":" port]
  host_mismatch,            // Host and the authority of an absolute-form target differ
  bad_content_length,       // repeated, a list, or not a number below 2^64
  te_and_cl,                // Transfer-Encoding beside Content-Length
  bad_transfer_encoding,    // repeated, in HTTP/1.0, malformed, or "chunked" is not its last member
  unknown_transfer_coding,  // "chunked" after a coding that is not implemented
  unknown_expectation,      // an Expect that is not "100-continue"
  bad_chunk,                // chunk size or the CRLF after a chunk
  bad_chunk_extension,      // the grammar of a chunk extension
  chunk_extension_too_large,  // more extension bytes than the limit
  bad_trailer,                // the grammar of a trailer field
  trailers_too_large,         // more trailer bytes or lines than the limit
};

inline constexpr std::size_t kProtocolErrorCount =
    static_cast<std::size_t>(ProtocolError::trailers_too_large) + 1;

/// The status that answers the error.
Status protocol_error_status(ProtocolError error);

/// A short name for the label of a metric and for the log: one of a fixed set.
std::string_view protocol_error_label(ProtocolError error);

}  // namespace sluiced::http
