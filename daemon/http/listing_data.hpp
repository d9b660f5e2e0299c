// Listings for programs.
//
// Names are any bytes, JSON is UTF-8: "name" has U+FFFD where a name is none, and "href", the
// percent-encoded reference to the entry, always decodes to the exact bytes. In text a name is kept
// to its line and lossless by escapes: \\, \n, \r, \t, and \xNN for other control bytes and for
// what is not UTF-8.
#pragma once

#include <string>

#include "http/listing.hpp"

namespace sluiced::http {

/// {"path":...,"total":...,"offset":...,"complete":...,"entries":[
void append_json_start(std::string& out, const ListingFacts& facts);

/// {"name":"a.txt","href":"a.txt","type":"file","size":12,"modified":"2026-11-22T07:36:00Z"}; a
/// directory has the type "directory", a slash at the end of its href, and no size.
void append_json_entry(std::string& out, const ListingEntry& entry);

/// "2026-11-22T07:36:00Z           12  a.txt": time, size or "-", name, with a slash behind that of
/// a directory.
void append_text_row(std::string& out, const ListingEntry& entry);

}  // namespace sluiced::http
