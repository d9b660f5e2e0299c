#include "http/listing_data.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/target.hpp"

namespace sluiced::http {
namespace {

using Json = nlohmann::json;

std::string listing(ListingFormat format, const ListingFacts& facts,
                    const std::vector<ListingEntry>& entries) {
  std::string out;
  append_listing_start(out, format, facts);
  for (std::size_t index = 0; index < entries.size(); ++index) {
    append_listing_row(out, format, entries[index], index == 0);
  }
  append_listing_end(out, format, facts);
  return out;
}

ListingFacts facts_of(std::string_view path) {
  ListingFacts facts;
  facts.path = path;
  return facts;
}

// Every byte that a name can hold.
std::string awkward_name() {
  std::string name;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') name.push_back(static_cast<char>(byte));
  }
  return name;
}

TEST(ListingData, JsonIsOneDocument) {
  ListingFacts facts = facts_of("a/b");
  facts.directories = 1;
  facts.files = 1;
  facts.query.offset = 3;
  const auto json = Json::parse(
      listing(ListingFormat::json, facts,
              {{.name = "sub", .is_directory = true, .size = 4096, .modified = 0},
               {.name = "f.txt", .size = 18446744073709551615U, .modified = 784111777}}));
  EXPECT_EQ(json, Json::parse(R"({"path":"/a/b/","total":2,"offset":3,"complete":true,"entries":[
    {"name":"sub","href":"sub/","type":"directory","modified":"1970-01-01T00:00:00Z"},
    {"name":"f.txt","href":"f.txt","type":"file","size":18446744073709551615,
     "modified":"1994-11-06T08:49:37Z"}]})"));
}

TEST(ListingData, JsonOfNothingIsOneDocumentToo) {
  const auto json = Json::parse(listing(ListingFormat::json, facts_of("."), {}));
  EXPECT_EQ(json.at("path"), "/");
  EXPECT_TRUE(json.at("entries").empty());
}

TEST(ListingData, NdjsonIsOneObjectALine) {
  const std::string out =
      listing(ListingFormat::ndjson, facts_of("."), {{.name = "a\nb"}, {.name = "c"}});
  const auto end = out.find('\n');
  EXPECT_EQ(Json::parse(out.substr(0, end)).at("name"), "a\nb");
  EXPECT_EQ(Json::parse(out.substr(end + 1)).at("name"), "c");
  EXPECT_EQ(out.back(), '\n');
}

TEST(ListingData, HrefsGiveBackEveryByteOfAName) {
  const std::string name = awkward_name();
  std::string out;
  append_json_entry(out, {.name = name});
  const auto json = Json::parse(out);
  PathBuffer buffer;
  const auto path = normalise_target("/" + json.at("href").get<std::string>(), buffer);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->relative, name);
}

TEST(ListingData, TextKeepsEachNameToItsLineAndLosesNothing) {
  std::string out;
  append_text_row(out, {.name = "a\\b\nc\td\r\x1b[31m\xFC\xC3\xBC", .size = 12, .modified = 0});
  EXPECT_EQ(out, "1970-01-01T00:00:00Z             12  a\\\\b\\nc\\td\\r\\x1b[31m\\xfc\xC3\xBC\n");
  out.clear();
  append_text_row(out, {.name = "sub", .is_directory = true, .size = 4096, .modified = 0});
  EXPECT_EQ(out, "1970-01-01T00:00:00Z              -  sub/\n");
  out.clear();
  append_text_row(out, {.name = "x", .size = 18446744073709551615U, .modified = 0});
  EXPECT_EQ(out, "1970-01-01T00:00:00Z 18446744073709551615  x\n");
}

TEST(ListingData, WhatIsCutSaysSo) {
  ListingFacts facts = facts_of(".");
  facts.is_complete = false;
  EXPECT_EQ(Json::parse(listing(ListingFormat::json, facts, {})).at("complete"), false);
  EXPECT_EQ(listing(ListingFormat::ndjson, facts, {}), "{\"complete\":false}\n");
  EXPECT_EQ(listing(ListingFormat::text, facts, {}), "(not complete: there are more entries)\n");
}

}  // namespace
}  // namespace sluiced::http
