#include "http/conditions.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using testing::get_with;
using testing::ParsedRequest;

constexpr auto kProceed = PreconditionResult::proceed;
constexpr auto kNotModified = PreconditionResult::not_modified;
constexpr auto kFailed = PreconditionResult::precondition_failed;

// The representation of these tests: modified Sun, 06 Nov 1994 08:49:37 GMT, tag "a-b-c".
constexpr UnixSeconds kModified = 784111777;
constexpr UnixSeconds kNow = kModified + 1'000'000;

Validators current_version() {
  Validators current;
  current.etag.emplace(FileVersion{{0, 0xa}, 0xb, 0xc}, false);
  current.last_modified = kModified;
  current.last_modified_is_strong = true;
  return current;
}

#define SAME "\"a-b-c\""
#define OTHER "\"x\""
#define DATE_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define DATE_SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE_AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

struct Case {
  std::string_view lines;
  PreconditionResult get;   // And of HEAD.
  PreconditionResult put;   // And of every method that changes something.
  PreconditionResult none;  // PUT where there is no representation yet.
};

const Case kCases[] = {
    {"", kProceed, kProceed, kProceed},
    // Step 1: If-Match, by strong comparison.
    {"If-Match: " SAME "\r\n", kProceed, kProceed, kFailed},
    {"If-Match: " OTHER "\r\n", kFailed, kFailed, kFailed},
    {"If-Match: " OTHER ", " SAME "\r\n", kProceed, kProceed, kFailed},
    {"If-Match: " OTHER "\r\nIf-Match: " SAME "\r\n", kProceed, kProceed, kFailed},
    {"If-Match: W/" SAME "\r\n", kFailed, kFailed, kFailed},
    {"If-Match: *\r\n", kProceed, kProceed, kFailed},
    {"If-Match: junk\r\n", kFailed, kFailed, kFailed},
    {"If-Match:\r\n", kFailed, kFailed, kFailed},
    // Step 2: If-Unmodified-Since, only without If-Match.
    {"If-Unmodified-Since: " DATE_SAME "\r\n", kProceed, kProceed, kProceed},
    {"If-Unmodified-Since: " DATE_AFTER "\r\n", kProceed, kProceed, kProceed},
    {"If-Unmodified-Since: " DATE_BEFORE "\r\n", kFailed, kFailed, kProceed},
    {"If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT\r\n", kFailed, kFailed, kProceed},
    {"If-Unmodified-Since: Sun Nov  6 08:49:36 1994\r\n", kFailed, kFailed, kProceed},
    {"If-Unmodified-Since: not-a-date\r\n", kProceed, kProceed, kProceed},
    {"If-Unmodified-Since: " DATE_BEFORE "\r\nIf-Unmodified-Since: " DATE_BEFORE "\r\n", kProceed,
     kProceed, kProceed},
    {"If-Match: " SAME "\r\nIf-Unmodified-Since: " DATE_BEFORE "\r\n", kProceed, kProceed, kFailed},
    {"If-Match: " OTHER "\r\nIf-Unmodified-Since: " DATE_AFTER "\r\n", kFailed, kFailed, kFailed},
    // Step 3: If-None-Match, by weak comparison.
    {"If-None-Match: " SAME "\r\n", kNotModified, kFailed, kProceed},
    {"If-None-Match: W/" SAME "\r\n", kNotModified, kFailed, kProceed},
    {"If-None-Match: " OTHER "\r\n", kProceed, kProceed, kProceed},
    {"If-None-Match: " OTHER ", W/\"y\", " SAME "\r\n", kNotModified, kFailed, kProceed},
    {"If-None-Match: " OTHER "\r\nIf-None-Match: " SAME "\r\n", kNotModified, kFailed, kProceed},
    {"If-None-Match: *\r\n", kNotModified, kFailed, kProceed},
    {"If-None-Match: a-b-c\r\n", kProceed, kFailed, kFailed},
    {"If-None-Match: " OTHER " junk\r\n", kProceed, kFailed, kFailed},
    // Step 4: If-Modified-Since, only without If-None-Match, only of GET and HEAD.
    {"If-Modified-Since: " DATE_SAME "\r\n", kNotModified, kProceed, kProceed},
    {"If-Modified-Since: " DATE_AFTER "\r\n", kNotModified, kProceed, kProceed},
    {"If-Modified-Since: " DATE_BEFORE "\r\n", kProceed, kProceed, kProceed},
    {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", kNotModified, kProceed, kProceed},
    {"If-Modified-Since: not-a-date\r\n", kProceed, kProceed, kProceed},
    {"If-Modified-Since: " DATE_SAME "\r\nIf-Modified-Since: " DATE_SAME "\r\n", kProceed, kProceed,
     kProceed},
    {"If-None-Match: " OTHER "\r\nIf-Modified-Since: " DATE_AFTER "\r\n", kProceed, kProceed,
     kProceed},
    {"If-None-Match: " SAME "\r\nIf-Modified-Since: " DATE_BEFORE "\r\n", kNotModified, kFailed,
     kProceed},
    {"If-None-Match: junk\r\nIf-Modified-Since: " DATE_AFTER "\r\n", kProceed, kFailed, kFailed},
    // Steps 1 and 2 go before 3 and 4.
    {"If-Match: " OTHER "\r\nIf-None-Match: " SAME "\r\n", kFailed, kFailed, kFailed},
    {"If-Match: " SAME "\r\nIf-None-Match: " SAME "\r\n", kNotModified, kFailed, kFailed},
    {"If-Match: " SAME "\r\nIf-None-Match: " OTHER "\r\n", kProceed, kProceed, kFailed},
    {"If-Match: " SAME "\r\nIf-Modified-Since: " DATE_SAME "\r\n", kNotModified, kProceed, kFailed},
    {"If-Unmodified-Since: " DATE_BEFORE "\r\nIf-None-Match: " SAME "\r\n", kFailed, kFailed,
     kProceed},
    {"If-Unmodified-Since: " DATE_SAME "\r\nIf-Modified-Since: " DATE_SAME "\r\n", kNotModified,
     kProceed, kProceed},
};

TEST(Preconditions, FollowThePrecedenceOfTheRfc) {
  const Validators current = current_version();
  for (const Case& c : kCases) {
    const ParsedRequest request(get_with(c.lines));
    const FieldTable& fields = request.head().fields;
    for (const Method method : {Method::get, Method::head}) {
      EXPECT_EQ(evaluate_preconditions(method, fields, &current, kNow), c.get)
          << method_name(method) << "\n"
          << c.lines;
    }
    for (const Method method : {Method::put, Method::delete_, Method::post, Method::patch}) {
      EXPECT_EQ(evaluate_preconditions(method, fields, &current, kNow), c.put)
          << method_name(method) << "\n"
          << c.lines;
    }
    EXPECT_EQ(evaluate_preconditions(Method::put, fields, nullptr, kNow), c.none) << c.lines;
  }
}

TEST(Preconditions, WithoutValidatorsOnlyTheStarMatches) {
  const Validators bare;  // A file with an mtime of 0.
  const std::pair<std::string_view, PreconditionResult> cases[] = {
      {"If-Match: " SAME "\r\n", kFailed},
      {"If-Match: *\r\n", kProceed},
      {"If-None-Match: " SAME "\r\n", kProceed},
      {"If-None-Match: *\r\n", kNotModified},
      {"If-Modified-Since: " DATE_AFTER "\r\n", kProceed},
      {"If-Unmodified-Since: " DATE_BEFORE "\r\n", kProceed},
  };
  for (const auto& [lines, result] : cases) {
    const ParsedRequest request(get_with(lines));
    EXPECT_EQ(evaluate_preconditions(Method::get, request.head().fields, &bare, kNow), result)
        << lines;
  }
}

TEST(Preconditions, AHotFileIsRevalidatedButNotGuarded) {
  Validators hot = current_version();
  hot.etag.emplace(FileVersion{{0, 0xa}, 0xb, 0xc}, true);
  const ParsedRequest revalidation(get_with("If-None-Match: W/" SAME "\r\n"));
  EXPECT_EQ(evaluate_preconditions(Method::get, revalidation.head().fields, &hot, kNow),
            kNotModified);
  const ParsedRequest guard(get_with("If-Match: " SAME "\r\n"));
  EXPECT_EQ(evaluate_preconditions(Method::put, guard.head().fields, &hot, kNow), kFailed);
}

struct RangeCase {
  std::string_view lines;
  bool applies;
};

const RangeCase kRangeCases[] = {
    {"", false},
    {"If-Range: " SAME "\r\n", false},
    {"Range: bytes=0-\r\n", true},
    {"Range: bytes=0-\r\nRange: bytes=0-\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: " SAME "\r\n", true},
    {"Range: bytes=0-\r\nIf-Range: " OTHER "\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: W/" SAME "\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: " SAME ", " OTHER "\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: *\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: a-b-c\r\n", false},
    {"Range: bytes=0-\r\nIf-Range:\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: " SAME "\r\nIf-Range: " SAME "\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: " DATE_SAME "\r\n", true},
    {"Range: bytes=0-\r\nIf-Range: Sunday, 06-Nov-94 08:49:37 GMT\r\n", true},
    {"Range: bytes=0-\r\nIf-Range: " DATE_BEFORE "\r\n", false},
    {"Range: bytes=0-\r\nIf-Range: " DATE_AFTER "\r\n", false},
};

TEST(IfRange, NeedsAStrongTagOrTheExactDate) {
  const Validators current = current_version();
  for (const RangeCase& c : kRangeCases) {
    const ParsedRequest request(get_with(c.lines));
    EXPECT_EQ(range_applies(Method::get, request.head().fields, current, kNow), c.applies)
        << c.lines;
    EXPECT_FALSE(range_applies(Method::head, request.head().fields, current, kNow)) << c.lines;
    EXPECT_FALSE(range_applies(Method::post, request.head().fields, current, kNow)) << c.lines;
  }
}

TEST(IfRange, NoConditionHoldsForAHotFileOrOneWithoutValidators) {
  Validators hot = current_version();
  hot.etag.emplace(FileVersion{{0, 0xa}, 0xb, 0xc}, true);
  hot.last_modified_is_strong = false;
  const Validators bare;
  for (const std::string_view lines : {"Range: bytes=0-\r\nIf-Range: " SAME "\r\n",
                                       "Range: bytes=0-\r\nIf-Range: " DATE_SAME "\r\n",
                                       "Range: bytes=0-\r\nIf-Range: not-a-date\r\n"}) {
    const ParsedRequest request(get_with(lines));
    EXPECT_FALSE(range_applies(Method::get, request.head().fields, hot, kNow)) << lines;
    EXPECT_FALSE(range_applies(Method::get, request.head().fields, bare, kNow)) << lines;
  }
}

}  // namespace
}  // namespace sluiced::http
