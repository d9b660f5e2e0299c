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

TEST(ListingPage, NamesRoundTripThroughTextAndHref) {
  for (const std::string_view name : kNames) {
    const std::string page = render_listing_page(".", std::vector<ListingEntry>{{.name = name}});
    const std::string href = between(page, "<tr><td><a href=\"", "\"");
    const std::string text = between(page, href + "\">", "</a>");
    EXPECT_EQ(unescape(text), name);
    EXPECT_EQ(href.find(':'), std::string::npos) << href;
    PathBuffer buffer;
    const auto path = normalise_target("/" + href, buffer);
    ASSERT_TRUE(path) << href;
    EXPECT_EQ(path->relative, name);
  }
}

TEST(ListingPage, EveryHrefDecodesToItsBytesEvenIfTheTextCannotShowThem) {
  const std::string page =
      render_listing_page(".", std::vector<ListingEntry>{{.name = "caf\xE9<"}});
  EXPECT_THAT(page, HasSubstr("<a href=\"caf%E9%3C\">caf\xEF\xBF\xBD&lt;</a>"));
}

TEST(ListingPage, MarksDirectoriesAndShowsSizeAndTime) {
  const std::vector<ListingEntry> entries = {
      {.name = "sub", .is_directory = true, .size = 4096, .modified = 0},
      {.name = "f", .size = 1536, .modified = 784111777},
  };
  const std::string page = render_listing_page("a/b", entries);
  EXPECT_THAT(page, HasSubstr("<tr><td><a href=\"sub/\">sub/</a></td><td></td>"
                              "<td>1970-01-01 00:00</td></tr>\n"));
  EXPECT_THAT(page,
              HasSubstr("<tr><td><a href=\"f\">f</a></td><td title=\"1536 bytes\">1.5 KiB</td>"
                        "<td>1994-11-06 08:49</td></tr>\n"));
  EXPECT_LT(page.find("sub/</a>"), page.find("f</a>"));
}

TEST(ListingPage, ShowsThePathEscapedAndLinksToTheParentButNotAboveTheRoot) {
  const std::string page = render_listing_page("a<b/c&d", {});
  EXPECT_EQ(between(page, "<title>", "</title>"), "/a&lt;b/c&amp;d/");
  EXPECT_EQ(between(page, "<h1>", "</h1>"), "/a&lt;b/c&amp;d/");
  EXPECT_THAT(page, HasSubstr("<a href=\"../\">../</a>"));
  const std::string root = render_listing_page(".", {});
  EXPECT_EQ(between(root, "<h1>", "</h1>"), "/");
  EXPECT_THAT(root, Not(HasSubstr("../")));
}

TEST(ListingPage, IsADocumentOfItsOwnWithoutScript) {
  const std::string page = render_listing_page("a", std::vector<ListingEntry>{{.name = "x"}});
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_THAT(page, HasSubstr("<meta charset=\"utf-8\">"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"col\">Name</th>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_LT(page.size(), 2048U);
}

TEST(ListingPage, PiecesMakeTheWhole) {
  const ListingEntry entry{.name = "x", .size = 1};
  std::string pieces;
  append_listing_start(pieces, "a");
  append_listing_row(pieces, entry);
  append_listing_row(pieces, entry);
  append_listing_end(pieces);
  EXPECT_EQ(pieces, render_listing_page("a", std::vector<ListingEntry>{entry, entry}));
}

TEST(ListingPage, SecurityPolicyNamesTheDigestOfTheStyle) {
  const std::string style = between(render_listing_page(".", {}), "<style>", "</style>");
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
