#include "http/listing_page.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "http/html_escape.hpp"
#include "http/target.hpp"

namespace sluiced::http {

// The digest is SHA-256 of exactly what stands between the style tags below; a test computes it.
const std::string_view kListingSecurityPolicy =
    "default-src 'none'; style-src 'sha256-CQvsZ6ZoqayoiHiggWJQKB2XwTOnXsHrGuMd/pvkzmA='; "
    "base-uri 'none'; form-action 'none'";

namespace {

constexpr std::string_view kPageStart =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>"
    ":root{color-scheme:light dark;--line:#ddd;--link:#0645ad}"
    "@media(prefers-color-scheme:dark){:root{--line:#444;--link:#8ab4f8}}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "h1{font-size:1.25rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid var(--line);padding:.25rem .5rem;text-align:left}"
    "td:first-child{overflow-wrap:anywhere;white-space:pre-wrap;unicode-bidi:isolate}"
    "th:nth-child(n+2),td:nth-child(n+2){text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    "a{color:var(--link);text-decoration:none}"
    "a:hover,a:focus{text-decoration:underline}"
    "</style>\n"
    "<title>";
constexpr std::string_view kTableStart =
    "<table>\n"
    "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Size</th>"
    "<th scope=\"col\">Modified (UTC)</th></tr></thead>\n"
    "<tbody>\n";
constexpr std::string_view kParentRow =
    "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// "2026-11-22 07:36", from the parts of "Sun, 22 Nov 2026 07:36:00 GMT".
void append_time(std::string& out, UnixSeconds time) {
  const HttpDate date = format_http_date(time);
  const std::string_view text(date.data(), date.size());
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t month = kMonths.find(text.substr(8, 3)) / 3 + 1;
  out.append(text.substr(12, 4)).append(month < 10 ? "-0" : "-");
  append_number(out, month);
  out.append("-").append(text.substr(5, 2)).append(" ").append(text.substr(17, 5));
}

void append_display_path(std::string& out, std::string_view path) {
  out.push_back('/');
  if (path == ".") return;
  append_html_escaped(out, path);
  out.push_back('/');
}

}  // namespace

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {" KiB", " MiB", " GiB",
                                                      " TiB", " PiB", " EiB"};
  std::string text;
  if (bytes < 1024) {
    append_number(text, bytes);
    return text.append(" B");
  }
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && (bytes >> (10 * (unit + 2))) != 0) ++unit;
  const auto shift = static_cast<unsigned>(10 * (unit + 1));
  const std::uint64_t remainder = (bytes >> (shift - 10)) & 1023;
  append_number(text, bytes >> shift);
  text.push_back('.');
  append_number(text, remainder * 10 / 1024);
  return text.append(kUnits[unit]);
}

void append_listing_start(std::string& out, std::string_view path) {
  out.append(kPageStart);
  append_display_path(out, path);
  out.append("</title>\n</head>\n<body>\n<main>\n<h1>");
  append_display_path(out, path);
  out.append("</h1>\n").append(kTableStart);
  if (path != ".") out.append(kParentRow);
}

void append_listing_row(std::string& out, const ListingEntry& entry) {
  const std::string_view slash = entry.is_directory ? "/" : "";
  out.append("<tr><td><a href=\"");
  append_encoded(out, entry.name);
  out.append(slash).append("\">");
  append_html_escaped(out, entry.name);
  out.append(slash).append("</a></td><td");
  if (!entry.is_directory) {
    out.append(" title=\"");
    append_number(out, entry.size);
    out.append(" bytes\"");
  }
  out.append(">");
  if (!entry.is_directory) out.append(human_size(entry.size));
  out.append("</td><td>");
  append_time(out, entry.modified);
  out.append("</td></tr>\n");
}

void append_listing_end(std::string& out) {
  out.append("</tbody>\n</table>\n</main>\n</body>\n</html>\n");
}

std::string render_listing_page(std::string_view path, std::span<const ListingEntry> entries) {
  std::string page;
  append_listing_start(page, path);
  for (const ListingEntry& entry : entries) append_listing_row(page, entry);
  append_listing_end(page);
  return page;
}

}  // namespace sluiced::http
