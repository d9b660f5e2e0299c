#include "http/multipart_ranges.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

constexpr std::string_view kBoundary = "0123456789abcdef0123456789abcdef";

/// The whole message content, with 'x' for each byte of the file.
std::string content_of(const MultipartRanges& parts) {
  std::string content;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    content += parts.part_head(i) + std::string(parts.range(i).size(), 'x');
  }
  return content + parts.closing();
}

TEST(MultipartRanges, LookLikeTheExampleOfTheRfc) {
  // RFC 9110 section 14.6, with short ranges.
  MultipartRanges parts(select_ranges("bytes=500-503,7000-7001", 8000).ranges(), "application/pdf",
                        8000);
  parts.set_boundary(kBoundary);
  EXPECT_EQ(parts.content_type(),
            "multipart/byteranges; boundary=0123456789abcdef0123456789abcdef");
  EXPECT_EQ(content_of(parts),
            "--0123456789abcdef0123456789abcdef\r\n"
            "Content-Type: application/pdf\r\n"
            "Content-Range: bytes 500-503/8000\r\n"
            "\r\n"
            "xxxx\r\n"
            "--0123456789abcdef0123456789abcdef\r\n"
            "Content-Type: application/pdf\r\n"
            "Content-Range: bytes 7000-7001/8000\r\n"
            "\r\n"
            "xx\r\n"
            "--0123456789abcdef0123456789abcdef--\r\n");
}

TEST(MultipartRanges, TheLengthIsExactAndDoesNotDependOnTheBoundary) {
  for (const std::string_view value :
       {"bytes=0-0,-1", "bytes=0-0,500-1499,9000-", "bytes=9-9,1000-1000,2000-2000,99000-99999"}) {
    for (const std::string_view type : {"", "text/plain; charset=utf-8"}) {
      MultipartRanges parts(select_ranges(value, 100'000).ranges(), type, 100'000);
      const std::uint64_t before = parts.content_length();
      parts.set_boundary(kBoundary);
      EXPECT_EQ(parts.content_length(), before);
      EXPECT_EQ(parts.content_length(), content_of(parts).size()) << value;
    }
  }
}

TEST(MultipartRanges, APartOfAnUnknownTypeHasNone) {
  const MultipartRanges parts(select_ranges("bytes=0-0,-1", 1000).ranges(), "", 1000);
  EXPECT_EQ(parts.part_head(0).find("Content-Type"), std::string::npos);
}

TEST(MultipartRanges, TheLengthOfThePartsOfAHugeFileIsExact) {
  constexpr std::uint64_t kLength = (std::uint64_t{1} << 63) - 1;
  const MultipartRanges parts(select_ranges("bytes=1-4611686018427387903,-10", kLength).ranges(),
                              "a/b", kLength);
  const std::uint64_t around =
      parts.part_head(0).size() + parts.part_head(1).size() + parts.closing().size();
  EXPECT_EQ(parts.content_length(), 4611686018427387903U + 10U + around);
}

}  // namespace
}  // namespace sluiced::http
