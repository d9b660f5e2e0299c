// The listing of a directory, in pieces, so that one of any size can be sent while it is made: a
// start, a row for each entry, an end. As a page for people (listing_page.hpp), or as JSON, NDJSON
// and text (listing_data.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/date.hpp"

namespace sluiced::http {

enum class ListingFormat : std::uint8_t { html, json, ndjson, text };
enum class ListingSort : std::uint8_t { name, size, time };

/// The media types, in the order of ListingFormat, without parameters.
inline constexpr std::array<std::string_view, 4> kListingMediaTypes = {
    "text/html", "application/json", "application/x-ndjson", "text/plain"};

/// The Content-Type of a format.
std::string_view listing_content_type(ListingFormat format);

/// One row. `name` is any bytes a file name can be; it has no slash.
struct ListingEntry {
  std::string_view name;
  bool is_directory = false;
  std::uint64_t size = 0;
  UnixSeconds modified = 0;
};

/// What a query asks for: `?format=html|json|ndjson|text`, `&sort=name|size|time`,
/// `&order=asc|desc`, `&limit=N`, `&offset=N`. Other parameters are passed over.
struct ListingQuery {
  std::optional<ListingFormat> format;
  std::optional<ListingSort> sort;
  bool descending = false;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> limit;
};

/// Nothing when a parameter that is known has a value that is not.
std::optional<ListingQuery> parse_listing_query(std::string_view query);

/// What is said about a listing as a whole.
struct ListingFacts {
  /// The decoded path of the request, relative to the root as Path::relative has it; "." is the
  /// root, and has no parent. Views must outlive the listing.
  std::string_view path;
  ListingQuery query;
  // Of all entries, shown or not.
  std::uint64_t directories = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  /// False: there are more entries than the server reads for a sorted listing.
  bool is_complete = true;
  // What the directory can be had as.
  bool as_tar = false;
  bool as_zip = false;

  std::uint64_t entries() const { return directories + files; }
};

void append_listing_start(std::string& out, ListingFormat format, const ListingFacts& facts);
void append_listing_row(std::string& out, ListingFormat format, const ListingEntry& entry,
                        bool is_first);
void append_listing_end(std::string& out, ListingFormat format, const ListingFacts& facts);

/// "2026-11-22T07:36:00Z" (RFC 3339).
void append_timestamp(std::string& out, UnixSeconds time);

}  // namespace sluiced::http
