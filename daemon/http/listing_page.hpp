// The page that lists a directory for people: plain HTML without scripts, for the eye, the keyboard
// and the screen reader, in light and dark.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/listing.hpp"

namespace sluiced::http {

/// The Content-Security-Policy of the page: nothing may be loaded or run, and its one style sheet
/// is known by its digest.
extern const std::string_view kListingSecurityPolicy;

/// The way up, the order of the rows, and the links to sort by another column.
void append_page_start(std::string& out, const ListingFacts& facts);
void append_page_row(std::string& out, const ListingEntry& entry);
/// The links to other pages of the same listing, and to its other formats.
void append_page_end(std::string& out, const ListingFacts& facts);

/// "0 B", "1023 B", "1.0 KiB", "15.9 MiB", "8.0 EiB": rounded down, so that nothing looks larger
/// than it is.
std::string human_size(std::uint64_t bytes);

}  // namespace sluiced::http
