#include "http/listing_page.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "http/html_escape.hpp"
#include "http/target.hpp"

namespace sluiced::http {

// The digest is SHA-256 of exactly what stands between the style tags below; a test computes it.
const std::string_view kListingSecurityPolicy =
    "default-src 'none'; style-src 'sha256-AlZY7rjYPjE610hgKaNMvM+/hhtJLJDoGxSuShBkXWI='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

namespace {

constexpr std::string_view kPageStart =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>"
    ":root{color-scheme:light dark;--page:#fff;--text:#1f2328;--dim:#59636e;--line:#d8dee4;"
    "--row:#f4f7fa;--link:#0a5bc4;--folder:#5a9bdc;--note:#fff4d6}"
    "@media(prefers-color-scheme:dark){:root{--page:#0f1419;--text:#e6edf3;--dim:#97a1ac;"
    "--line:#2b333c;--row:#182028;--link:#76b0ff;--folder:#4f86c0;--note:#3b2f10}}"
    "*,::before{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:64rem;margin:0 auto;padding:2rem 1rem 3rem}"
    "a{color:var(--link);text-decoration:none}"
    "a:hover{text-decoration:underline}"
    "a:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:2px}"
    "h1{font-size:1.35rem;line-height:1.3;margin:0;overflow-wrap:anywhere}"
    "h1 a{font-weight:400}"
    "h1 a:first-child{padding-right:.3em}"
    "h1 i{font-style:normal;font-weight:400;color:var(--dim);padding:0 .3em}"
    "p,footer{color:var(--dim);font-size:.875rem;margin:.35rem 0 1.25rem}"
    "footer{margin:1.25rem 0 0}"
    "footer a,p a{margin-right:1rem}"
    ".note{background:var(--note);color:var(--text);padding:.6rem .9rem;border-radius:6px}"
    "table{border-collapse:collapse;width:100%}"
    "th{position:sticky;top:0;background:var(--page);font-size:.875rem;font-weight:600}"
    "th,td{border-bottom:1px solid var(--line);padding:.4rem .6rem;text-align:left}"
    "th:first-child{width:100%}"
    "th a{color:var(--dim)}"
    "th[aria-sort] a{color:var(--text)}"
    "th[aria-sort=ascending] a::after{content:\" \\2191\"}"
    "th[aria-sort=descending] a::after{content:\" \\2193\"}"
    "tbody tr:hover,tbody tr:focus-within{background:var(--row)}"
    "td:first-child{overflow-wrap:anywhere;white-space:pre-wrap;unicode-bidi:isolate;"
    "padding-left:2.6rem;text-indent:-2rem}"
    "td:first-child::before{content:\"\";display:inline-block;width:.8rem;height:1rem;"
    "margin:0 .8rem 0 .4rem;vertical-align:-.15rem;border:1.5px solid var(--dim);"
    "border-radius:2px;opacity:.7}"
    "td.d::before{width:1.1rem;height:.9rem;margin:0 .65rem 0 .25rem;vertical-align:-.1rem;"
    "border:0;opacity:1;background:linear-gradient(var(--folder),var(--folder)) 0 0/50% .4rem "
    "no-repeat,linear-gradient(var(--folder),var(--folder)) 0 .15rem no-repeat}"
    "td.u::before{border:0;content:\"\\2191\";color:var(--dim);opacity:1;line-height:1rem;"
    "text-indent:0}"
    "td.d{font-weight:500}"
    "td.u::before{border:0;content:\"\\2191\";color:var(--dim);opacity:1;line-height:1rem;"
    "text-indent:0}"
    "th:nth-child(n+2),td:nth-child(n+2){text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    "td:nth-child(n+2){color:var(--dim);font-size:.9375rem}"
    "@media(max-width:34rem){th:nth-child(3),td:nth-child(3){display:none}}"
    "</style>\n"
    "<title>";
constexpr std::string_view kParentRow =
    "<tr><td class=\"u\"><a href=\"../\">../</a></td><td></td><td></td></tr>\n";

constexpr std::array<std::string_view, 3> kSortNames = {"name", "size", "time"};
constexpr std::array<std::string_view, 3> kColumns = {"Name", "Size", "Modified (UTC)"};

/// "1234567" as "1,234,567".
std::string grouped(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && (digits.size() - at) % 3 == 0) text.push_back(',');
    text.push_back(digits[at]);
  }
  return text;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view several) {
  return grouped(count).append(" ").append(count == 1 ? one : several);
}

/// The path as a heading whose parts lead to the directories above.
void append_breadcrumbs(std::string& out, std::string_view path) {
  if (path == ".") {
    out.append("/");
    return;
  }
  const auto depth = static_cast<std::size_t>(std::ranges::count(path, '/')) + 1;
  const auto append_up = [&out](std::size_t levels) {
    out.append("<a href=\"");
    for (std::size_t level = 0; level < levels; ++level) out.append("../");
    out.append("\">");
  };
  append_up(depth);
  out.append("/</a>");
  for (std::size_t left = depth - 1; left > 0; --left) {
    const std::size_t end = path.find('/');
    if (left != depth - 1) out.append("<i>/</i>");
    append_up(left);
    append_html_escaped(out, path.substr(0, end));
    out.append("</a>");
    path.remove_prefix(end + 1);
  }
  if (depth > 1) out.append("<i>/</i>");
  append_html_escaped(out, path);
}

/// A query that asks for this order from `offset` on.
void append_query(std::string& out, const ListingQuery& query, ListingSort sort, bool descending,
                  std::uint64_t offset) {
  out.append("?sort=").append(kSortNames[static_cast<std::size_t>(sort)]);
  out.append(descending ? "&amp;order=desc" : "&amp;order=asc");
  if (query.limit) out.append("&amp;limit=").append(std::to_string(*query.limit));
  if (offset > 0) out.append("&amp;offset=").append(std::to_string(offset));
  // A page that was asked for as one stays one, whatever the client would rather have.
  if (query.format) out.append("&amp;format=html");
}

void append_column_heads(std::string& out, const ListingQuery& query) {
  const ListingSort current = query.sort.value_or(ListingSort::name);
  out.append("<table>\n<thead><tr>");
  for (std::size_t index = 0; index < kColumns.size(); ++index) {
    const auto sort = static_cast<ListingSort>(index);
    out.append("<th scope=\"col\"");
    if (sort == current) {
      out.append(query.descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    }
    out.append("><a href=\"");
    append_query(out, query, sort, sort == current && !query.descending, 0);
    out.append("\">").append(kColumns[index]).append("</a></th>");
  }
  out.append("</tr></thead>\n<tbody>\n");
}

void append_summary(std::string& out, const ListingFacts& facts) {
  out.append("<p>");
  if (facts.entries() == 0) out.append("Empty");
  if (facts.directories > 0) {
    out.append(counted(facts.directories, "directory", "directories"));
    if (facts.files > 0) out.append(", ");
  }
  if (facts.files > 0) {
    out.append(counted(facts.files, "file", "files")).append(", ").append(human_size(facts.bytes));
  }
  out.append("</p>\n");
  if (!facts.is_complete) {
    out.append("<p class=\"note\" role=\"note\">There are more entries than this server sorts: ")
        .append(grouped(facts.entries()))
        .append(
            " are listed, and others are missing. <a href=\"?format=ndjson\">All of them, "
            "unsorted</a></p>\n");
  }
}

/// "1-100 of 3,000", and the ways to the rows before and behind.
void append_pager(std::string& out, const ListingFacts& facts) {
  const ListingQuery& query = facts.query;
  const std::uint64_t total = facts.entries();
  const std::uint64_t first = std::min(query.offset, total);
  const std::uint64_t limit = query.limit.value_or(total);
  const std::uint64_t end = first + std::min(limit, total - first);
  if (first == 0 && end == total) return;
  const ListingSort sort = query.sort.value_or(ListingSort::name);
  out.append("<p>");
  if (first > 0 && limit > 0) {
    out.append("<a rel=\"prev\" href=\"");
    append_query(out, query, sort, query.descending, first > limit ? first - limit : 0);
    out.append("\">Previous</a>");
  }
  if (end < total && limit > 0) {
    out.append("<a rel=\"next\" href=\"");
    append_query(out, query, sort, query.descending, end);
    out.append("\">Next</a>");
  }
  out.append(grouped(end > first ? first + 1 : first)).append("\xE2\x80\x93").append(grouped(end));
  out.append(" of ").append(grouped(total)).append("</p>\n");
}

}  // namespace

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {" KiB", " MiB", " GiB",
                                                      " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes).append(" B");
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && (bytes >> (10 * (unit + 2))) != 0) ++unit;
  const auto shift = static_cast<unsigned>(10 * (unit + 1));
  const std::uint64_t remainder = (bytes >> (shift - 10)) & 1023;
  std::string text = std::to_string(bytes >> shift);
  text.push_back('.');
  return text.append(std::to_string(remainder * 10 / 1024)).append(kUnits[unit]);
}

void append_page_start(std::string& out, const ListingFacts& facts) {
  out.append(kPageStart).append("/");
  if (facts.path != ".") {
    append_html_escaped(out, facts.path);
    out.append("/");
  }
  out.append("</title>\n</head>\n<body>\n<main>\n<nav aria-label=\"Path\"><h1>");
  append_breadcrumbs(out, facts.path);
  out.append("</h1></nav>\n");
  append_summary(out, facts);
  append_column_heads(out, facts.query);
  if (facts.path != ".") out.append(kParentRow);
}

void append_page_row(std::string& out, const ListingEntry& entry) {
  const std::string_view slash = entry.is_directory ? "/" : "";
  out.append(entry.is_directory ? "<tr><td class=\"d\"><a href=\"" : "<tr><td><a href=\"");
  append_encoded(out, entry.name);
  out.append(slash).append("\">");
  append_html_escaped(out, entry.name);
  out.append(slash).append("</a></td><td");
  if (!entry.is_directory) {
    out.append(" title=\"").append(grouped(entry.size)).append(" bytes\">");
    out.append(human_size(entry.size));
  } else {
    out.append(">");
  }
  std::string timestamp;
  append_timestamp(timestamp, entry.modified);
  out.append("</td><td><time datetime=\"").append(timestamp).append("\">");
  out.append(timestamp, 0, 10).append(" ").append(timestamp, 11, 5).append("</time></td></tr>\n");
}

void append_page_end(std::string& out, const ListingFacts& facts) {
  out.append("</tbody>\n</table>\n");
  append_pager(out, facts);
  out.append("<footer>As <a href=\"?format=json\">JSON</a><a href=\"?format=text\">Text</a>");
  if (facts.as_tar) out.append("<a href=\"?archive=tar\" download>tar</a>");
  if (facts.as_zip) out.append("<a href=\"?archive=zip\" download>zip</a>");
  out.append("</footer>\n</main>\n</body>\n</html>\n");
}

}  // namespace sluiced::http
