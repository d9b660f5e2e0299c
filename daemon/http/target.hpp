// From the request target to the one path that serves the whole request, and back to a URI.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/status.hpp"

namespace sluiced::http {

inline constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX without the NUL.
inline constexpr std::size_t kMaxComponentBytes = 255;

/// Where a normalised path is written. It belongs to the caller, and lives as long as the Path.
using PathBuffer = std::array<char, kMaxPathBytes + 1>;

/// Why a target has no path.
enum class TargetError : std::uint8_t {
  not_absolute,        // does not begin with a slash
  forbidden_byte,      // a raw control byte, space, backslash or '#'
  bad_escape,          // '%' without two hexadecimal digits
  encoded_nul,         // %00
  encoded_slash,       // %2F
  above_root,          // a ".." with nothing left to remove
  component_too_long,  // a name that no file can have
  too_long,            // more than kMaxPathBytes
};

/// 400, but 404 for component_too_long (no such file can exist) and 414 for too_long.
Status target_error_status(TargetError error);

/// A short name for the label of a metric: one of a fixed set.
std::string_view target_error_label(TargetError error);

/// The one path of a request. Mount, authorisation, limits, log and openat2(2) all go by this value
/// and none decodes anything again.
struct Path {
  /// Decoded bytes, "a/b/c": no leading or trailing slash, no empty, "." or ".." component, no NUL.
  /// "." for the root. What openat2(2) takes beneath a directory, and a NUL follows the last byte
  /// for its sake. A view into the PathBuffer.
  std::string_view relative;
  /// What follows the first '?' of the target, not decoded. A view into the target.
  std::string_view query;
  bool has_query = false;
  /// Whether the target ended in a slash (or "." or ".."), and so means a directory.
  bool ends_in_slash = false;
  /// Whether a component begins with a dot, except ".well-known" at the top (RFC 8615).
  bool is_hidden = false;

  bool is_root() const { return relative == "."; }
};

/// Makes the path of `target`, which is what RequestHead::resource holds: a path and perhaps a
/// query. An empty path, as in absolute-form "http://host?q", means the root.
///
/// In this order, each step once: split at '?'; refuse raw controls, spaces, backslashes and '#';
/// decode percent-encoding, refusing %00 and %2F; drop empty components; resolve "." and ".." (RFC
/// 3986 section 5.2.4), refusing to leave the root; check lengths; look for hidden components. %5C
/// is an ordinary byte: files have such names. What is decoded is never decoded again.
std::expected<Path, TargetError> normalise_target(std::string_view target, PathBuffer& buffer);

/// Appends `path` with every byte percent-encoded but unreserved characters and slashes. Colons are
/// encoded too, so no name can pass for a scheme.
void append_encoded(std::string& out, std::string_view path);

/// Appends a query as it came, with what may not stand in a URI percent-encoded; '%' stays.
void append_query(std::string& out, std::string_view query);

/// The URI path of decoded bytes, for Location: begins with exactly one slash, however many there
/// are in front of `path`, since "//evil.example/" would name another host.
std::string encode_path(std::string_view path);

}  // namespace sluiced::http
