#include "http/listing.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "http/listing_data.hpp"
#include "http/listing_page.hpp"
#include "http/query.hpp"

namespace sluiced::http {
namespace {

constexpr std::array<std::string_view, 4> kFormats = {"html", "json", "ndjson", "text"};
constexpr std::array<std::string_view, 3> kSorts = {"name", "size", "time"};
constexpr std::array<std::string_view, 2> kOrders = {"asc", "desc"};

/// Reads a parameter that is one of some words. False when it is another.
template <typename Value>
bool read_word(std::string_view query, std::string_view name,
               std::span<const std::string_view> words, std::optional<Value>& out) {
  const auto text = query_value(query, name);
  if (!text) return true;
  const auto found = std::ranges::find(words, *text);
  if (found == words.end()) return false;
  out = static_cast<Value>(found - words.begin());
  return true;
}

bool read_number(std::string_view query, std::string_view name, std::optional<std::uint64_t>& out) {
  const auto text = query_value(query, name);
  if (!text) return true;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return false;
  out = value;
  return true;
}

}  // namespace

std::string_view listing_content_type(ListingFormat format) {
  switch (format) {
    case ListingFormat::html:
      return "text/html; charset=utf-8";
    case ListingFormat::json:
      return "application/json";
    case ListingFormat::ndjson:
      return "application/x-ndjson";
    case ListingFormat::text:
      break;
  }
  return "text/plain; charset=utf-8";
}

std::optional<ListingQuery> parse_listing_query(std::string_view query) {
  ListingQuery parsed;
  std::optional<int> order;
  std::optional<std::uint64_t> offset;
  if (!read_word(query, "format", kFormats, parsed.format) ||
      !read_word(query, "sort", kSorts, parsed.sort) ||
      !read_word(query, "order", kOrders, order) || !read_number(query, "offset", offset) ||
      !read_number(query, "limit", parsed.limit)) {
    return std::nullopt;
  }
  parsed.descending = order == 1;
  if (order && !parsed.sort) parsed.sort = ListingSort::name;
  parsed.offset = offset.value_or(0);
  return parsed;
}

void append_listing_start(std::string& out, ListingFormat format, const ListingFacts& facts) {
  if (format == ListingFormat::html) {
    append_page_start(out, facts);
  } else if (format == ListingFormat::json) {
    append_json_start(out, facts);
  }
}

void append_listing_row(std::string& out, ListingFormat format, const ListingEntry& entry,
                        bool is_first) {
  switch (format) {
    case ListingFormat::html:
      append_page_row(out, entry);
      return;
    case ListingFormat::json:
      out.append(is_first ? "\n" : ",\n");
      append_json_entry(out, entry);
      return;
    case ListingFormat::ndjson:
      append_json_entry(out, entry);
      out.push_back('\n');
      return;
    case ListingFormat::text:
      append_text_row(out, entry);
      return;
  }
}

void append_listing_end(std::string& out, ListingFormat format, const ListingFacts& facts) {
  switch (format) {
    case ListingFormat::html:
      append_page_end(out, facts);
      return;
    case ListingFormat::json:
      out.append("\n]}\n");
      return;
    case ListingFormat::ndjson:
      if (!facts.is_complete) out.append("{\"complete\":false}\n");
      return;
    case ListingFormat::text:
      if (!facts.is_complete) out.append("(not complete: there are more entries)\n");
      return;
  }
}

void append_timestamp(std::string& out, UnixSeconds time) {
  // From the parts of "Sun, 22 Nov 2026 07:36:00 GMT".
  const HttpDate date = format_http_date(time);
  const std::string_view text(date.data(), date.size());
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t month = kMonths.find(text.substr(8, 3)) / 3 + 1;
  out.append(text.substr(12, 4)).push_back('-');
  out.push_back(static_cast<char>('0' + month / 10));
  out.push_back(static_cast<char>('0' + month % 10));
  out.append("-").append(text.substr(5, 2)).append("T").append(text.substr(17, 8)).append("Z");
}

}  // namespace sluiced::http
