// The page that lists a directory: plain HTML, readable by people, scripts and screen readers
// alike.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/date.hpp"

namespace sluiced::http {

/// One row. `name` is any bytes a file name can be; it has no slash.
struct ListingEntry {
  std::string_view name;
  bool is_directory = false;
  std::uint64_t size = 0;
  UnixSeconds modified = 0;
};

inline constexpr std::string_view kListingContentType = "text/html; charset=utf-8";

/// The Content-Security-Policy of the page: nothing may be loaded or run, and its one style sheet
/// is known by its digest.
extern const std::string_view kListingSecurityPolicy;

/// The page in three pieces, for a directory too large to hold as one. `path` is the decoded path
/// of the request, relative to the root as Path::relative has it; "." is the root, and has no
/// parent.
void append_listing_start(std::string& out, std::string_view path);
void append_listing_row(std::string& out, const ListingEntry& entry);
void append_listing_end(std::string& out);

/// The whole page. The order of the rows is that of `entries`.
std::string render_listing_page(std::string_view path, std::span<const ListingEntry> entries);

/// "0 B", "1023 B", "1.0 KiB", "15.9 MiB", "8.0 EiB": rounded down, so that nothing looks larger
/// than it is.
std::string human_size(std::uint64_t bytes);

}  // namespace sluiced::http
