#include "http/error_page.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

using ::testing::HasSubstr;

TEST(ErrorPage, SaysTheStatusAndNothingMore) {
  EXPECT_EQ(render_error_page(Status::not_found, ErrorPageFormat::text), "404 Not Found\n");
  const std::string page = render_error_page(Status::not_found);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n"));
  EXPECT_THAT(page, HasSubstr("<title>404 Not Found</title>"));
  EXPECT_THAT(page, HasSubstr("<h1>404 Not Found</h1>"));
  EXPECT_LT(page.size(), 300U);
}

TEST(ErrorPage, HasTheContentTypeOfItsFormat) {
  EXPECT_EQ(error_page_content_type(ErrorPageFormat::html), "text/html; charset=utf-8");
  EXPECT_EQ(error_page_content_type(ErrorPageFormat::text), "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace sluiced::http
