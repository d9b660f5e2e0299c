#include "http/entity_tag.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using testing::get_with;
using testing::ParsedRequest;

constexpr FileVersion kVersion{{1'000'000, 5}, 255, 16};

TEST(EntityTag, HoldsTimeSizeAndInodeWithSeparators) {
  EXPECT_EQ(EntityTag(kVersion, false).text(), "\"38d7ea4c68005-ff-10\"");
  EXPECT_EQ(EntityTag(kVersion, true).text(), "W/\"38d7ea4c68005-ff-10\"");
  EXPECT_EQ(EntityTag(kVersion, true).opaque(), "\"38d7ea4c68005-ff-10\"");
  EXPECT_EQ(EntityTag(kVersion, false).opaque(), "\"38d7ea4c68005-ff-10\"");
  EXPECT_EQ(EntityTag({{0, 0}, 0, 0}, false).text(), "\"0-0-0\"");
}

TEST(EntityTag, LongestOneFits) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  const EntityTag tag({{-1, 999'999'999}, kMax, kMax}, true);
  EXPECT_EQ(tag.text(), "W/\"ffffffffffffffff-ffffffffffffffff-ffffffffffffffff\"");
}

TEST(EntityTag, DiffersWhereTheVersionDiffers) {
  const std::string text(EntityTag(kVersion, false).text());
  EXPECT_NE(EntityTag({{1'000'000, 6}, 255, 16}, false).text(), text);
  EXPECT_NE(EntityTag({{1'000'001, 5}, 255, 16}, false).text(), text);
  EXPECT_NE(EntityTag({{1'000'000, 5}, 256, 16}, false).text(), text);
  EXPECT_NE(EntityTag({{1'000'000, 5}, 255, 17}, false).text(), text);
  EXPECT_NE(EntityTag({{1, 0}, 0x12, 0x3}, false).text(),
            EntityTag({{1, 0}, 0x1, 0x23}, false).text());
}

Validators validators_at(FileTime modified, FileTime now) {
  return make_validators({modified, 1, 1}, now);
}

TEST(Validators, AreStrongOnceTheFileHasRestedForASecond) {
  const FileTime modified{1000, 500};
  const Validators at_once = validators_at(modified, modified);
  EXPECT_TRUE(at_once.etag->is_weak());
  EXPECT_FALSE(at_once.last_modified_is_strong);
  EXPECT_EQ(at_once.last_modified, 1000);
  EXPECT_TRUE(validators_at(modified, {1001, 499}).etag->is_weak());
  const Validators later = validators_at(modified, {1001, 500});
  EXPECT_FALSE(later.etag->is_weak());
  EXPECT_TRUE(later.last_modified_is_strong);
}

TEST(Validators, DateInTheFutureIsReplacedByNow) {
  const Validators future = validators_at({5000, 0}, {1000, 0});
  EXPECT_EQ(future.last_modified, 1000);
  EXPECT_FALSE(future.last_modified_is_strong);
  EXPECT_TRUE(future.etag->is_weak());
  EXPECT_EQ(validators_at({1000, 7}, {1000, 0}).last_modified, 1000);
  EXPECT_TRUE(validators_at({1000, 7}, {1000, 0}).etag->is_weak());
}

TEST(Validators, FilesWithoutAModificationTimeHaveNone) {
  for (const UnixSeconds seconds : {0, 1}) {
    const Validators none = validators_at({seconds, 123}, {1000, 0});
    EXPECT_FALSE(none.etag) << seconds;
    EXPECT_FALSE(none.last_modified) << seconds;
    EXPECT_FALSE(none.last_modified_is_strong) << seconds;
  }
  EXPECT_TRUE(validators_at({2, 0}, {1000, 0}).etag);
  EXPECT_EQ(validators_at({-1, 0}, {1000, 0}).last_modified, -1);
}

TagMatch find(std::string_view lines, TagComparison comparison, bool current_is_weak = false) {
  const ParsedRequest request(get_with(lines));
  const std::optional<EntityTag> current(EntityTag({{0, 0xa}, 0xb, 0xc}, current_is_weak));
  return find_entity_tag(request.head().fields, KnownField::if_none_match, current, comparison);
}

TEST(EntityTagList, FindsTheTag) {
  const struct {
    std::string_view lines;
    TagMatch strong;
    TagMatch weak;
  } cases[] = {
      {"", TagMatch::none, TagMatch::none},
      {"If-None-Match: \"a-b-c\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: W/\"a-b-c\"\r\n", TagMatch::none, TagMatch::tag},
      {"If-None-Match: \"x\"\r\n", TagMatch::none, TagMatch::none},
      {"If-None-Match: \"\"\r\n", TagMatch::none, TagMatch::none},
      {"If-None-Match: \"x\", \"a-b-c\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: \"x\",W/\"y\"\t,,\"a-b-c\" ,\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: , \"a-b-c\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: \"x,a-b-c\", \"z\"\r\n", TagMatch::none, TagMatch::none},
      {"If-None-Match: \"x\"\r\nIf-None-Match: \"a-b-c\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: \"a-b-c\"\r\nIf-None-Match: \"x\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: *\r\n", TagMatch::any, TagMatch::any},
      {"If-None-Match: \"*\"\r\n", TagMatch::none, TagMatch::none},
      {"If-None-Match: *, \"a-b-c\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: *\r\nIf-None-Match: *\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: a-b-c\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"a-b-c\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: W/\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: w/\"a-b-c\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: W /\"a-b-c\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"a b\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"x\" \"a-b-c\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"x\"\"a-b-c\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match: \"a-b-c\", junk\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: junk\r\nIf-None-Match: \"a-b-c\"\r\n", TagMatch::tag, TagMatch::tag},
      {"If-None-Match: junk\r\nIf-None-Match: \"x\"\r\n", TagMatch::malformed, TagMatch::malformed},
      {"If-None-Match:\r\n", TagMatch::none, TagMatch::none},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(find(c.lines, TagComparison::strong), c.strong) << c.lines;
    EXPECT_EQ(find(c.lines, TagComparison::weak), c.weak) << c.lines;
  }
}

// The table of RFC 9110 section 8.8.3.2.
TEST(EntityTagList, ComparesAsTheRfcsTableSays) {
  const std::string_view weak = "If-None-Match: W/\"a-b-c\"\r\n";
  const std::string_view strong = "If-None-Match: \"a-b-c\"\r\n";
  EXPECT_EQ(find(weak, TagComparison::strong, true), TagMatch::none);
  EXPECT_EQ(find(weak, TagComparison::weak, true), TagMatch::tag);
  EXPECT_EQ(find(strong, TagComparison::strong, true), TagMatch::none);
  EXPECT_EQ(find(strong, TagComparison::weak, true), TagMatch::tag);
}

TEST(EntityTagList, WithoutACurrentTagOnlyTheStarMatches) {
  const ParsedRequest list(get_with("If-None-Match: \"a-b-c\"\r\n"));
  EXPECT_EQ(find_entity_tag(list.head().fields, KnownField::if_none_match, {}, TagComparison::weak),
            TagMatch::none);
  const ParsedRequest star(get_with("If-None-Match: *\r\n"));
  EXPECT_EQ(find_entity_tag(star.head().fields, KnownField::if_none_match, {}, TagComparison::weak),
            TagMatch::any);
}

TEST(EntityTag, OneStrongTagIsComparedWhole) {
  const std::optional<EntityTag> current(EntityTag({{0, 0xa}, 0xb, 0xc}, false));
  EXPECT_TRUE(is_same_strong_tag("\"a-b-c\"", current));
  EXPECT_FALSE(is_same_strong_tag("W/\"a-b-c\"", current));
  EXPECT_FALSE(is_same_strong_tag("\"a-b-c\", \"x\"", current));
  EXPECT_FALSE(is_same_strong_tag("\"a-b-c\" ", current));
  EXPECT_FALSE(is_same_strong_tag("a-b-c", current));
  EXPECT_FALSE(is_same_strong_tag("*", current));
  EXPECT_FALSE(is_same_strong_tag("", current));
  EXPECT_FALSE(is_same_strong_tag("\"a-b-c\"", {}));
  const std::optional<EntityTag> hot(EntityTag({{0, 0xa}, 0xb, 0xc}, true));
  EXPECT_FALSE(is_same_strong_tag("\"a-b-c\"", hot));
}

}  // namespace
}  // namespace sluiced::http
