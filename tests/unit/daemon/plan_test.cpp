#include "serve/plan.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/request_head.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {
namespace {

constexpr http::FileTime kNow{1'800'000'000, 0};
constexpr http::FileVersion kVersion{{1'700'000'000, 5}, 1000, 42};

// The plan for a request with these fields, against a file of 1000 bytes.
class PlanFile : public ::testing::Test {
 protected:
  const Response& plan(std::string_view method, std::string_view fields = "",
                       const http::FileVersion& version = kVersion, std::string_view coding = "") {
    text_ = std::string(method) + " /f HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
    EXPECT_TRUE(http::parse_request_head(text_, {}, head_));
    response_.clear();
    plan_file(head_, {version, "text/plain", coding, !coding.empty()}, kNow, 4, response_);
    return response_;
  }
  static std::string tag() {
    return std::string(http::make_validators(kVersion, kNow).etag->text());
  }

  std::string text_;
  http::RequestHead head_;
  Response response_;
};

TEST_F(PlanFile, SendsAllOfItWithItsValidators) {
  const Response& response = plan("GET");
  EXPECT_EQ(response.status, http::Status::ok);
  EXPECT_EQ(response.content_length, 1000U);
  EXPECT_EQ(response.file_offset, 0U);
  EXPECT_TRUE(response.accepts_ranges);
  ASSERT_TRUE(response.validators);
  EXPECT_EQ(response.validators->last_modified, 1'700'000'000);
}

TEST_F(PlanFile, SendsOneRange) {
  const Response& response = plan("GET", "Range: bytes=10-19\r\n");
  EXPECT_EQ(response.status, http::Status::partial_content);
  EXPECT_EQ(response.file_offset, 10U);
  EXPECT_EQ(response.content_length, 10U);
  EXPECT_EQ(response.complete_length, 1000U);
}

TEST_F(PlanFile, IgnoresRangeOfHead) {
  const Response& response = plan("HEAD", "Range: bytes=10-19\r\n");
  EXPECT_EQ(response.status, http::Status::ok);
  EXPECT_EQ(response.content_length, 1000U);
}

TEST_F(PlanFile, SendsSeveralRangesAsParts) {
  const Response& response = plan("GET", "Range: bytes=0-0,500-501\r\n");
  EXPECT_EQ(response.status, http::Status::partial_content);
  ASSERT_TRUE(response.multipart);
  EXPECT_EQ(response.multipart->size(), 2U);
  EXPECT_EQ(response.content_length, response.multipart->content_length());
  EXPECT_FALSE(response.range) << "Content-Range stands in the parts alone";
}

TEST_F(PlanFile, SendsRangesThatJoinAsOne) {
  const Response& response = plan("GET", "Range: bytes=0-9,5-20\r\n");
  EXPECT_FALSE(response.multipart);
  EXPECT_EQ(response.content_length, 21U);
}

TEST_F(PlanFile, SendsAllOfItForMoreRangesThanTheLimit) {
  EXPECT_TRUE(plan("GET", "Range: bytes=0-0,200-200,400-400,600-600\r\n").multipart);
  const Response& response = plan("GET", "Range: bytes=0-0,200-200,400-400,600-600,800-800\r\n");
  EXPECT_EQ(response.status, http::Status::ok);
  EXPECT_FALSE(response.multipart);
}

TEST_F(PlanFile, SendsOneRangeOfACodingButAllOfItForSeveral) {
  EXPECT_EQ(plan("GET", "Range: bytes=10-19\r\n", kVersion, "gzip").status,
            http::Status::partial_content);
  EXPECT_EQ(response_.content_encoding, "gzip");
  EXPECT_EQ(plan("GET", "Range: bytes=0-0,500-501\r\n", kVersion, "gzip").status, http::Status::ok);
  EXPECT_EQ(response_.content_encoding, "gzip");
}

TEST_F(PlanFile, NotModifiedVariesButHasNoCoding) {
  const Response& response = plan("GET", "If-None-Match: " + tag() + "\r\n", kVersion, "gzip");
  EXPECT_EQ(response.status, http::Status::not_modified);
  EXPECT_TRUE(response.varies_by_encoding);
  EXPECT_EQ(response.content_encoding, "");
}

TEST_F(PlanFile, RefusesARangeBeyondTheEndWithTheLength) {
  const Response& response = plan("GET", "Range: bytes=1000-\r\n");
  EXPECT_EQ(response.status, http::Status::range_not_satisfiable);
  EXPECT_EQ(response.complete_length, 1000U);
  EXPECT_FALSE(response.range);
}

TEST_F(PlanFile, AnswersNotModifiedToItsOwnTag) {
  const Response& response = plan("GET", "If-None-Match: " + tag() + "\r\n");
  EXPECT_EQ(response.status, http::Status::not_modified);
  EXPECT_TRUE(response.validators);
}

TEST_F(PlanFile, PreconditionsGoBeforeTheRange) {
  EXPECT_EQ(plan("GET", "If-None-Match: " + tag() + "\r\nRange: bytes=5000-\r\n").status,
            http::Status::not_modified);
  EXPECT_EQ(plan("GET", "If-Match: \"else\"\r\nRange: bytes=0-1\r\n").status,
            http::Status::precondition_failed);
}

TEST_F(PlanFile, RangeOfAnotherVersionGetsAllOfThisOne) {
  EXPECT_EQ(plan("GET", "If-Range: \"else\"\r\nRange: bytes=0-1\r\n").status, http::Status::ok);
  EXPECT_EQ(plan("GET", "If-Range: " + tag() + "\r\nRange: bytes=0-1\r\n").status,
            http::Status::partial_content);
}

TEST_F(PlanFile, EmptyFileHasNoRanges) {
  const Response& response = plan("GET", "Range: bytes=0-0\r\n", {{1'700'000'000, 0}, 0, 42});
  EXPECT_EQ(response.status, http::Status::ok);
  EXPECT_EQ(response.content_length, 0U);
}

}  // namespace
}  // namespace sluiced::serve
