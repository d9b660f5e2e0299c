// The bodies of errors and redirects. They say what the status says and nothing more: no path, no
// version, no host, and so nothing that a request could put there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/status.hpp"

namespace sluiced::http {

enum class ErrorPageFormat : std::uint8_t { html, text };

/// The media type of a page in this format.
std::string_view error_page_content_type(ErrorPageFormat format);

/// The Content-Security-Policy of a page: it needs nothing.
inline constexpr std::string_view kErrorPageSecurityPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'none'";

/// The page: "404 Not Found", as text with a line end, or as the title and heading of a document.
std::string render_error_page(Status status, ErrorPageFormat format = ErrorPageFormat::html);

}  // namespace sluiced::http
