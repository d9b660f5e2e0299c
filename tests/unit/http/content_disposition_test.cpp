#include "http/content_disposition.hpp"

#include <string_view>

#include <gtest/gtest.h>

#include "http/response_head.hpp"

namespace sluiced::http {
namespace {

TEST(ContentDisposition, NamesTheFileTwice) {
  EXPECT_EQ(attachment_disposition("a b.tar"),
            "attachment; filename=\"a b.tar\"; filename*=UTF-8''a%20b.tar");
  EXPECT_EQ(attachment_disposition("\xC3\xBC.zip"),
            "attachment; filename=\"__.zip\"; filename*=UTF-8''%C3%BC.zip");
}

TEST(ContentDisposition, LetsNoNameOutOfItsQuotes) {
  EXPECT_EQ(attachment_disposition("a\"; x=\"\\\r\nSet-Cookie: y%41/.tar"),
            "attachment; filename=\"a_; x=____Set-Cookie: y_41_.tar\"; "
            "filename*=UTF-8''a%22%3B%20x%3D%22%5C%0D%0ASet-Cookie%3A%20y%2541_.tar");
}

TEST(ContentDisposition, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(attachment_disposition("\xFC"),
            "attachment; filename=\"_\"; filename*=UTF-8''%EF%BF%BD");
}

TEST(ContentDisposition, IsAFieldValueWhateverTheNameHolds) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_TRUE(is_field_value(attachment_disposition(std::string_view(&c, 1)))) << byte;
  }
}

}  // namespace
}  // namespace sluiced::http
