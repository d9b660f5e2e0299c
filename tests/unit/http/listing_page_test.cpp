#include "http/listing_page.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/target.hpp"

namespace sluiced::http {
namespace {

using namespace std::literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// What stands between `start` and `end` in `text`, from `from` on.
std::string between(const std::string& text, std::string_view start, std::string_view end,
                    std::size_t from = 0) {
  const std::size_t begin = text.find(start, from);
  if (begin == std::string::npos) return "(missing)";
  const std::size_t inside = begin + start.size();
  return text.substr(inside, text.find(end, inside) - inside);
}

/// As a browser reads text: the references that the page may hold, resolved.
std::string unescape(std::string text) {
  const std::pair<std::string_view, std::string_view> references[] = {
      {"&lt;", "<"},  {"&gt;", ">"},   {"&quot;", "\""},  {"&#39;", "'"}, {"&#10;", "\n"},
      {"&#9;", "\t"}, {"&#13;", "\r"}, {"&#27;", "\x1b"}, {"&amp;", "&"}};
  for (const auto& [reference, character] : references) {
    for (std::size_t at = 0; (at = text.find(reference, at)) != std::string::npos; ++at) {
      text.replace(at, reference.size(), character);
    }
  }
  return text;
}

const std::string_view kNames[] = {
    "a.txt",
    "with space",
    "<script>alert(1)<!--",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='x",
    "&amp;",
    "a&b",
    "100%41",
    "a?b#c",
    "javascript:alert(1)",
    "new\nline\ttab\rreturn",
    "\x1b[31mred",
    "back\\slash",
    "\xC3\xBC\xE2\x82\xAC",
    "...",
};

ListingFacts facts_of(std::string_view path, std::string_view query = "") {
  ListingFacts facts;
  facts.path = path;
  facts.query = parse_listing_query(query).value_or(ListingQuery{});
  return facts;
}

std::string page_of(const ListingFacts& facts, const std::vector<ListingEntry>& entries = {}) {
  std::string page;
  append_listing_start(page, ListingFormat::html, facts);
  for (const ListingEntry& entry : entries) {
    append_listing_row(page, ListingFormat::html, entry, false);
  }
  append_listing_end(page, ListingFormat::html, facts);
  return page;
}

std::string row_of(const ListingEntry& entry) {
  std::string row;
  append_page_row(row, entry);
  return row;
}

TEST(ListingPage, NamesRoundTripThroughTextAndHref) {
  for (const std::string_view name : kNames) {
    const std::string row = row_of({.name = name});
    const std::string href = between(row, "<a href=\"", "\"");
    const std::string text = between(row, href + "\">", "</a>");
    EXPECT_EQ(unescape(text), name);
    EXPECT_EQ(href.find(':'), std::string::npos) << href;
    PathBuffer buffer;
    const auto path = normalise_target("/" + href, buffer);
    ASSERT_TRUE(path) << href;
    EXPECT_EQ(path->relative, name);
  }
}

TEST(ListingPage, EveryHrefDecodesToItsBytesEvenIfTheTextCannotShowThem) {
  EXPECT_THAT(row_of({.name = "caf\xE9<"}),
              HasSubstr("<a href=\"caf%E9%3C\">caf\xEF\xBF\xBD&lt;</a>"));
}

TEST(ListingPage, MarksDirectoriesAndShowsSizeAndTime) {
  EXPECT_EQ(row_of({.name = "sub", .is_directory = true, .size = 4096, .modified = 0}),
            "<tr><td class=\"d\"><a href=\"sub/\">sub/</a></td><td></td>"
            "<td><time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00</time></td></tr>\n");
  EXPECT_EQ(row_of({.name = "f", .size = 1536, .modified = 784111777}),
            "<tr><td><a href=\"f\">f</a></td><td title=\"1,536 bytes\">1.5 KiB</td>"
            "<td><time datetime=\"1994-11-06T08:49:37Z\">1994-11-06 08:49</time></td></tr>\n");
}

TEST(ListingPage, ShowsThePathEscapedAndLeadsToEveryDirectoryAboveButNotAboveTheRoot) {
  const std::string page = page_of(facts_of("a<b/c&d/e"));
  EXPECT_EQ(between(page, "<title>", "</title>"), "/a&lt;b/c&amp;d/e/");
  EXPECT_EQ(between(page, "<h1>", "</h1>"),
            "<a href=\"../../../\">/</a><a href=\"../../\">a&lt;b</a><i>/</i>"
            "<a href=\"../\">c&amp;d</a><i>/</i>e");
  EXPECT_THAT(page, HasSubstr("<td class=\"u\"><a href=\"../\">../</a>"));
  const std::string below = page_of(facts_of("a"));
  EXPECT_EQ(between(below, "<h1>", "</h1>"), "<a href=\"../\">/</a>a");
  const std::string root = page_of(facts_of("."));
  EXPECT_EQ(between(root, "<h1>", "</h1>"), "/");
  EXPECT_THAT(root, Not(HasSubstr("../")));
}

TEST(ListingPage, IsADocumentOfItsOwnWithoutScript) {
  const std::string page = page_of(facts_of("a"), {{.name = "x"}});
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_THAT(page, HasSubstr("<meta charset=\"utf-8\">"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr(":focus-visible"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_LT(page.size(), 4096U);
}

TEST(ListingPage, HeadsOfColumnsSortByThemAndTurnTheOrderAround) {
  const std::string by_name = page_of(facts_of("."));
  EXPECT_THAT(by_name, HasSubstr("<th scope=\"col\" aria-sort=\"ascending\">"
                                 "<a href=\"?sort=name&amp;order=desc\">Name</a></th>"));
  EXPECT_THAT(by_name, HasSubstr("<th scope=\"col\"><a href=\"?sort=size&amp;order=asc\">"));
  const std::string by_size = page_of(facts_of(".", "sort=size&order=desc&limit=5&offset=10"));
  EXPECT_THAT(by_size, HasSubstr("<th scope=\"col\" aria-sort=\"descending\">"
                                 "<a href=\"?sort=size&amp;order=asc&amp;limit=5\">Size</a></th>"));
  EXPECT_THAT(page_of(facts_of(".", "format=html")),
              HasSubstr("?sort=time&amp;order=asc&amp;format=html"));
}

TEST(ListingPage, SaysHowMuchThereIs) {
  ListingFacts facts = facts_of(".");
  EXPECT_THAT(page_of(facts), HasSubstr("<p>Empty</p>"));
  facts.directories = 1;
  EXPECT_THAT(page_of(facts), HasSubstr("<p>1 directory</p>"));
  facts.files = 1234;
  facts.bytes = 2048;
  EXPECT_THAT(page_of(facts), HasSubstr("<p>1 directory, 1,234 files, 2.0 KiB</p>"));
  EXPECT_THAT(page_of(facts), Not(HasSubstr("role=\"note\"")));
  facts.is_complete = false;
  EXPECT_THAT(page_of(facts), HasSubstr("role=\"note\""));
}

TEST(ListingPage, LeadsToTheRowsBeforeAndBehind) {
  ListingFacts facts = facts_of(".", "sort=time&limit=10&offset=15");
  facts.files = 100;
  const std::string middle = page_of(facts);
  EXPECT_THAT(middle, HasSubstr("<a rel=\"prev\" href=\"?sort=time&amp;order=asc&amp;limit=10"
                                "&amp;offset=5\">Previous</a>"));
  EXPECT_THAT(middle, HasSubstr("<a rel=\"next\" href=\"?sort=time&amp;order=asc&amp;limit=10"
                                "&amp;offset=25\">Next</a>"));
  EXPECT_THAT(middle, HasSubstr("16\xE2\x80\x93"
                                "25 of 100"));
  facts.query.offset = 95;
  EXPECT_THAT(page_of(facts), Not(HasSubstr("rel=\"next\"")));
  facts.query.offset = 1000;
  EXPECT_THAT(page_of(facts), HasSubstr("100\xE2\x80\x93"
                                        "100 of 100"));
  facts.query = {};
  EXPECT_THAT(page_of(facts), Not(HasSubstr(" of 100")));
}

TEST(ListingPage, OffersOnlyTheArchivesThereAre) {
  ListingFacts facts = facts_of(".");
  EXPECT_THAT(page_of(facts), Not(HasSubstr("?archive=")));
  facts.as_zip = true;
  EXPECT_THAT(page_of(facts), HasSubstr("?archive=zip"));
  EXPECT_THAT(page_of(facts), Not(HasSubstr("?archive=tar")));
}

TEST(ListingPage, SecurityPolicyNamesTheDigestOfTheStyle) {
  const std::string style = between(page_of(facts_of(".")), "<style>", "</style>");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ASSERT_EQ(EVP_Digest(style.data(), style.size(), digest.data(), &size, EVP_sha256(), nullptr), 1);
  std::array<unsigned char, 64> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  std::string expected = "default-src 'none'; style-src 'sha256-";
  expected.append(base64.begin(), base64.begin() + length).append("'; ");
  EXPECT_TRUE(kListingSecurityPolicy.starts_with(expected)) << expected;
}

TEST(HumanSize, RoundsDownInBinaryUnits) {
  const std::pair<std::uint64_t, std::string_view> cases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1535, "1.4 KiB"},
      {1536, "1.5 KiB"},
      {1048575, "1023.9 KiB"},
      {1048576, "1.0 MiB"},
      {16777215, "15.9 MiB"},
      {4294967296, "4.0 GiB"},
      {1099511627776, "1.0 TiB"},
      {1125899906842624, "1.0 PiB"},
      {1152921504606846976, "1.0 EiB"},
      {18446744073709551615U, "15.9 EiB"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(human_size(bytes), text) << bytes;
}

}  // namespace
}  // namespace sluiced::http
