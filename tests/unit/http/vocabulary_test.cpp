// The small vocabularies: methods, statuses, protocol errors.
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/method.hpp"
#include "http/protocol_error.hpp"
#include "http/status.hpp"

namespace sluiced::http {
namespace {

TEST(Method, NamesAndParsesBack) {
  for (std::size_t i = 0; i + 1 < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_EQ(parse_method(method_name(method)), method) << method_name(method);
  }
  EXPECT_EQ(parse_method("GET"), Method::get);
  EXPECT_EQ(parse_method("DELETE"), Method::delete_);
  EXPECT_EQ(parse_method("MKCOL"), Method::mkcol);
}

TEST(Method, AnyOtherTokenIsOther) {
  for (const std::string_view text : {"get", "GETS", "GE", "", "other", "PROPFIND", "PRI"}) {
    EXPECT_EQ(parse_method(text), Method::other) << text;
  }
  EXPECT_EQ(method_name(Method::other), "other");
}

TEST(Status, HasCodeAndReason) {
  EXPECT_EQ(status_code(Status::partial_content), 206U);
  EXPECT_EQ(reason_phrase(Status::partial_content), "Partial Content");
  EXPECT_EQ(reason_phrase(Status::content_too_large), "Content Too Large");
  EXPECT_FALSE(is_error(Status::not_modified));
  EXPECT_TRUE(is_error(Status::bad_request));
  EXPECT_TRUE(forbids_content(Status::continue_));
  EXPECT_TRUE(forbids_content(Status::no_content));
  EXPECT_TRUE(forbids_content(Status::not_modified));
  EXPECT_FALSE(forbids_content(Status::ok));
  EXPECT_FALSE(forbids_content(Status::not_found));
}

TEST(Status, EachOfTheTableHasThreeDigitsAndAReasonOfItsOwn) {
  unsigned previous = 99;
  std::set<std::string_view> reasons;
  for (const StatusReason& entry : kStatuses) {
    EXPECT_GT(status_code(entry.status), previous);
    EXPECT_LT(status_code(entry.status), 600U);
    EXPECT_EQ(reason_phrase(entry.status), entry.reason);
    EXPECT_TRUE(reasons.insert(entry.reason).second) << entry.reason;
    previous = status_code(entry.status);
  }
}

TEST(ProtocolError, EachHasALabelOfItsOwnAndAnErrorStatus) {
  std::set<std::string_view> labels;
  for (std::size_t i = 0; i < kProtocolErrorCount; ++i) {
    const auto error = static_cast<ProtocolError>(i);
    EXPECT_NE(protocol_error_label(error), "unknown") << i;
    EXPECT_TRUE(labels.insert(protocol_error_label(error)).second) << protocol_error_label(error);
    EXPECT_TRUE(is_error(protocol_error_status(error))) << protocol_error_label(error);
  }
}

TEST(ProtocolError, MapsToItsStatus) {
  EXPECT_EQ(protocol_error_status(ProtocolError::bare_lf), Status::bad_request);
  EXPECT_EQ(protocol_error_status(ProtocolError::te_and_cl), Status::bad_request);
  EXPECT_EQ(protocol_error_status(ProtocolError::uri_too_long), Status::uri_too_long);
  EXPECT_EQ(protocol_error_status(ProtocolError::fields_too_large),
            Status::request_header_fields_too_large);
  EXPECT_EQ(protocol_error_status(ProtocolError::too_many_fields),
            Status::request_header_fields_too_large);
  EXPECT_EQ(protocol_error_status(ProtocolError::unsupported_version),
            Status::http_version_not_supported);
  EXPECT_EQ(protocol_error_status(ProtocolError::unknown_transfer_coding), Status::not_implemented);
  EXPECT_EQ(protocol_error_status(ProtocolError::unknown_expectation), Status::expectation_failed);
}

}  // namespace
}  // namespace sluiced::http
