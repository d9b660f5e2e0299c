// Which responses with small files are kept, for how long, and what is sent of them.
#include "files/kept_responses.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluiced::files {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRules = 7;
constexpr http::UnixSeconds kOneDay = 86400;
const sluice::TimePoint kNow = sluice::TimePoint() + 1h;

std::string dated_head(http::UnixSeconds date) {
  return "HTTP/1.1 200 OK\r\n" + std::string(http::DateLine(date).text()) +
         "Content-Length: 7\r\n\r\n";
}

class KeptResponsesTest : public ::testing::Test {
 protected:
  // From the second offer on it is kept.
  void offer_twice(KeptResponse& place, const std::string& content, sluice::TimePoint now = kNow) {
    place.offer(head_, content, kRules, now);
    place.offer(head_, content, kRules, now);
  }
  static bool is_kept(KeptResponse& place) {
    return !place.response(kRules, http::DateLine(0)).empty();
  }

  http::RenderedHead head_{dated_head(0)};
  KeptResponses store_{1s};
};

TEST_F(KeptResponsesTest, AFileThatIsAskedForOnceCostsNoRoom) {
  KeptResponse place(store_);
  place.offer(head_, "content", kRules, kNow);
  EXPECT_FALSE(is_kept(place));
  EXPECT_EQ(store_.held_bytes(), 0U);
}

TEST_F(KeptResponsesTest, TheResponseHasTheDateOfWhenItIsSent) {
  KeptResponse place(store_);
  offer_twice(place, "content");
  for (const http::UnixSeconds date : {kOneDay, kOneDay, 2 * kOneDay}) {
    EXPECT_EQ(place.response(kRules, http::DateLine(date)), dated_head(date) + "content");
  }
  EXPECT_EQ(place.content_bytes(), 7U);
}

TEST_F(KeptResponsesTest, AResponseUnderOtherRulesIsAnotherOne) {
  KeptResponse place(store_);
  offer_twice(place, "content");
  EXPECT_TRUE(place.response(kRules + 1, http::DateLine(0)).empty());
  place.offer(head_, "content", kRules + 1, kNow);
  EXPECT_FALSE(place.response(kRules + 1, http::DateLine(0)).empty());
  EXPECT_TRUE(place.response(kRules, http::DateLine(0)).empty());
}

TEST_F(KeptResponsesTest, WhatIsKeptIsNotMadeAgain) {
  KeptResponse place(store_);
  offer_twice(place, "content");
  place.offer(head_, "another", kRules, kNow);
  EXPECT_EQ(place.response(kRules, http::DateLine(0)), dated_head(0) + "content");
  place.offer(head_, "another", kRules + 1, kNow);
  EXPECT_EQ(place.response(kRules + 1, http::DateLine(0)), dated_head(0) + "another");
}

TEST_F(KeptResponsesTest, PartsOfTheContentAreReadWithinItsBounds) {
  KeptResponse place(store_);
  std::vector<std::byte> room(4);
  EXPECT_FALSE(place.copy_content_to(room, 0)) << "nothing is kept yet";
  offer_twice(place, "content");
  ASSERT_TRUE(place.copy_content_to(room, 3));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(room.data()), room.size()), "tent");
  EXPECT_FALSE(place.copy_content_to(room, 4)) << "one byte beyond the end";
  EXPECT_FALSE(place.copy_content_to(room, ~std::uint64_t{0}));
}

TEST_F(KeptResponsesTest, WhatIsKeptGoesWithItsFile) {
  {
    KeptResponse place(store_);
    offer_twice(place, "content");
    EXPECT_EQ(store_.held_bytes(), dated_head(0).size() + 7);
  }
  EXPECT_EQ(store_.held_bytes(), 0U);
}

TEST_F(KeptResponsesTest, WithoutRoomOnlyWhatIsNotInUseAnyMoreGivesWay) {
  const std::string content(KeptResponses::kLargestFileBytes, 'x');
  std::vector<std::unique_ptr<KeptResponse>> places;
  do {
    places.push_back(std::make_unique<KeptResponse>(store_));
    offer_twice(*places.back(), content);
  } while (is_kept(*places.back()));
  EXPECT_LE(store_.held_bytes(), KeptResponses::kMostBytes);
  EXPECT_GT(store_.held_bytes(), KeptResponses::kMostBytes - 2 * content.size());
  EXPECT_TRUE(is_kept(*places.front()));

  offer_twice(*places.back(), content, kNow + 1s);
  EXPECT_TRUE(is_kept(*places.back()));
  EXPECT_FALSE(is_kept(*places.front()));
  EXPECT_TRUE(is_kept(*places[1]));
}

TEST_F(KeptResponsesTest, AFileThatIsOpenStillKeepsNothingWhenTheStoreIsGone) {
  auto store = std::make_unique<KeptResponses>(1s);
  KeptResponse place(*store);
  offer_twice(place, "content");
  store.reset();
  EXPECT_FALSE(is_kept(place));
}

}  // namespace
}  // namespace sluiced::files
