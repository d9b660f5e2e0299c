#pragma once

#include <string>
#include <string_view>

#include "config/scalar.hpp"

/// What the texts of a configuration must look like. Each returns the text in the form in which it
/// is kept, or a clause that names it and says what is wrong.
namespace sluiced::config {

/// The name of a listener or site, which becomes a metrics label: [a-z0-9_-]{1,64}.
[[nodiscard]] Parsed<std::string> check_name(std::string_view text);

/// A host as it stands in a Host field, without its port: a name (RFC 1123 section 2.1, underscores
/// allowed), an IPv4 address, an IPv6 address in brackets, or `*.` and a name. Kept in lower case;
/// an IPv6 address in the form of RFC 5952.
[[nodiscard]] Parsed<std::string> check_host(std::string_view text);

/// The path of a mount: decoded and normalised, beginning and ending in '/'.
[[nodiscard]] Parsed<std::string> check_mount_path(std::string_view text);

/// An absolute path in the file system. Nothing is looked up.
[[nodiscard]] Parsed<std::string> check_root(std::string_view text);

/// `stderr`, or an absolute path in the file system. Nothing is looked up.
[[nodiscard]] Parsed<std::string> check_log_target(std::string_view text);

/// `NAME` or `NAME:GROUP`, of a user and a group, or their numbers. Nothing is looked up.
[[nodiscard]] Parsed<std::string> check_user(std::string_view text);

/// The name of a file within a directory.
[[nodiscard]] Parsed<std::string> check_file_name(std::string_view text);

/// The name of a charset (RFC 2978 section 2.3), kept as written.
[[nodiscard]] Parsed<std::string> check_charset(std::string_view text);

/// The path of a file beneath a root, "/app/index.html": decoded and normalised.
[[nodiscard]] Parsed<std::string> check_fallback(std::string_view text);

/// What a redirect takes: a decoded, normalised path, perhaps with "/*" at its end.
[[nodiscard]] Parsed<std::string> check_redirect_from(std::string_view text);

/// Where a redirect leads: a path or an http or https URL, encoded as in a URI, without fragment,
/// perhaps with "/*" at its end.
[[nodiscard]] Parsed<std::string> check_redirect_to(std::string_view text);

/// "tar" or "zip".
[[nodiscard]] Parsed<std::string> check_archive_format(std::string_view text);

/// An origin as browsers send it (RFC 6454 section 6.2), kept in lower case, or "*".
[[nodiscard]] Parsed<std::string> check_origin(std::string_view text);

/// A method, in the upper case in which it is compared (RFC 9110 section 9.1).
[[nodiscard]] Parsed<std::string> check_method(std::string_view text);

/// The name of a header field (RFC 9110 section 5.1).
[[nodiscard]] Parsed<std::string> check_field_name(std::string_view text);

}  // namespace sluiced::config
