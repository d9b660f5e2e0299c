#include <string_view>

#include <gtest/gtest.h>

#include "http/listing.hpp"
#include "http/query.hpp"

namespace sluiced::http {
namespace {

TEST(QueryValue, IsThatOfTheFirstParameterOfTheName) {
  EXPECT_EQ(query_value("", "a"), std::nullopt);
  EXPECT_EQ(query_value("a=1", "a"), "1");
  EXPECT_EQ(query_value("b=2&a=1&a=3", "a"), "1");
  EXPECT_EQ(query_value("a", "a"), "");
  EXPECT_EQ(query_value("a&b", "b"), "");
  EXPECT_EQ(query_value("a=", "a"), "");
  EXPECT_EQ(query_value("a=b=c&d", "a"), "b=c");
  EXPECT_EQ(query_value("ab=1&b=2", "a"), std::nullopt);
  EXPECT_EQ(query_value("&&a=1", "a"), "1");
}

TEST(ListingQuery, ReadsWhatItKnows) {
  const auto query = parse_listing_query("format=ndjson&sort=size&order=desc&limit=7&offset=9");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->format, ListingFormat::ndjson);
  EXPECT_EQ(query->sort, ListingSort::size);
  EXPECT_TRUE(query->descending);
  EXPECT_EQ(query->limit, 7U);
  EXPECT_EQ(query->offset, 9U);
}

TEST(ListingQuery, HasDefaultsAndPassesOverWhatItDoesNotKnow) {
  const auto query = parse_listing_query("utm=1&x=%3Cb%3E&Format=json");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->format, std::nullopt);
  EXPECT_EQ(query->sort, std::nullopt);
  EXPECT_FALSE(query->descending);
  EXPECT_EQ(query->limit, std::nullopt);
  EXPECT_EQ(query->offset, 0U);
}

TEST(ListingQuery, AnOrderAloneIsThatOfNames) {
  EXPECT_EQ(parse_listing_query("order=asc")->sort, ListingSort::name);
}

TEST(ListingQuery, RefusesValuesThatMeanNothing) {
  for (const std::string_view bad : {"format=xml", "format=", "sort=colour", "order=up", "limit=-1",
                                     "limit=1x", "limit=", "limit=99999999999999999999",
                                     "offset= 1", "offset=0x1", "format=HTML", "limit=1e3"}) {
    EXPECT_FALSE(parse_listing_query(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluiced::http
