#include "http/response_head.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

using namespace std::literals;

constexpr UnixSeconds kExample = 784111777;

TEST(ResponseHead, RendersStatusLineAndFields) {
  std::array<char, 512> buffer;
  ResponseHeadWriter writer(buffer);
  RenderedFields always;
  ASSERT_TRUE(always.add("X-Content-Type-Options", "nosniff"));
  ASSERT_TRUE(always.add("Server", "sluiced"));
  writer.status(Status::partial_content);
  writer.date(DateLine(kExample));
  writer.fields(always);
  writer.field("Content-Type", "text/plain; charset=utf-8");
  writer.field("Content-Length", 100);
  writer.content_range(0, 99, 18446744073709551615U);
  writer.date_field("Last-Modified", 0);
  writer.field("X-Tab", "a\tb\xFF");
  writer.field("X-Empty", "");
  writer.field("X-Nothing", std::string_view());
  writer.fields(RenderedFields());
  const auto head = writer.finish();
  ASSERT_TRUE(head);
  EXPECT_EQ(*head,
            "HTTP/1.1 206 Partial Content\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Server: sluiced\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 100\r\n"
            "Content-Range: bytes 0-99/18446744073709551615\r\n"
            "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
            "X-Tab: a\tb\xFF\r\n"
            "X-Empty: \r\n"
            "X-Nothing: \r\n"
            "\r\n");
  EXPECT_EQ(head->data(), buffer.data());
}

TEST(RenderedHead, IsTheSameButForDateAndConnection) {
  std::array<char, 512> buffer;
  ResponseHeadWriter writer(buffer);
  writer.status(Status::ok);
  writer.date(DateLine(kExample));
  writer.field("ETag", "\"a\"");
  const RenderedHead kept(writer.finish().value());
  std::array<char, 512> other;
  EXPECT_EQ(kept.write(other, DateLine(0), "").value(),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"a\"\r\n\r\n");
  EXPECT_EQ(kept.write(other, DateLine(kExample), "Connection: close\r\n").value(),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"a\"\r\n"
            "Connection: close\r\n\r\n");
}

TEST(RenderedHead, RefusesABufferThatIsOneByteTooSmall) {
  std::array<char, 512> buffer;
  ResponseHeadWriter writer(buffer);
  writer.status(Status::ok);
  writer.date(DateLine(kExample));
  const std::string head(writer.finish().value());
  const RenderedHead kept(head);
  std::array<char, 512> other;
  EXPECT_EQ(kept.write(std::span(other).first(head.size()), DateLine(kExample), ""), head);
  EXPECT_FALSE(kept.write(std::span(other).first(head.size() - 1), DateLine(kExample), ""));
}

TEST(ResponseHead, RendersEveryStatusLine) {
  for (const Status status :
       {Status::ok, Status::not_modified, Status::request_header_fields_too_large,
        Status::http_version_not_supported, Status::insufficient_storage}) {
    std::array<char, 128> buffer;
    ResponseHeadWriter writer(buffer);
    writer.status(status);
    std::string expected = "HTTP/1.1 " + std::to_string(status_code(status)) + " ";
    expected.append(reason_phrase(status)).append("\r\n\r\n");
    EXPECT_EQ(writer.finish(), expected);
  }
}

TEST(ResponseHead, RendersAnUnsatisfiedRange) {
  std::array<char, 128> buffer;
  ResponseHeadWriter writer(buffer);
  writer.status(Status::range_not_satisfiable);
  writer.unsatisfied_range(0);
  EXPECT_EQ(writer.finish(),
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */0\r\n\r\n");
}

TEST(ResponseHead, RefusesEveryControlByteInAValueButTab) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::size_t position : {0U, 3U, 12U}) {
      std::string value = "some ordinary";
      value[position] = static_cast<char>(byte);
      std::array<char, 128> buffer;
      ResponseHeadWriter writer(buffer);
      writer.field("Location", value);
      const bool is_refused = (byte < 0x20 && byte != '\t') || byte == 0x7f;
      const auto head = writer.finish();
      ASSERT_EQ(head.has_value(), !is_refused) << byte;
      if (is_refused) {
        EXPECT_EQ(head.error(), ResponseHeadError::refused_value) << byte;
      }
      EXPECT_EQ(is_field_value(value), !is_refused) << byte;
    }
  }
}

TEST(ResponseHead, NothingMendsAHeadThatWasRefused) {
  std::array<char, 128> buffer;
  ResponseHeadWriter writer(buffer);
  writer.status(Status::ok);
  writer.field("X-First", "a\r\nSet-Cookie: b");
  writer.field("X-Second", "fine");
  const auto head = writer.finish();
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error(), ResponseHeadError::refused_value);
  EXPECT_EQ((std::string_view(buffer.data(), buffer.size()).find("Set-Cookie")),
            std::string_view::npos);
}

TEST(ResponseHead, NoBufferTooSmallIsWrittenBeyond) {
  const auto render = [](std::span<char> buffer) {
    ResponseHeadWriter writer(buffer);
    writer.status(Status::ok);
    writer.date(DateLine(kExample));
    writer.field("Content-Length", std::numeric_limits<std::uint64_t>::max());
    writer.field("A", "b");
    return writer.finish();
  };
  std::array<char, 256> large;
  const std::size_t needed = render(large)->size();
  for (std::size_t size = 0; size < needed; ++size) {
    std::vector<char> buffer(size);  // An allocation of its own, for AddressSanitizer.
    const auto head = render(buffer);
    ASSERT_FALSE(head) << size;
    EXPECT_EQ(head.error(), ResponseHeadError::buffer_full) << size;
  }
  std::vector<char> exact(needed);
  EXPECT_TRUE(render(exact));
}

TEST(RenderedFields, RefuseNamesAndValuesThatBreakTheHead) {
  RenderedFields fields;
  EXPECT_FALSE(fields.add("", "x"));
  EXPECT_FALSE(fields.add("A B", "x"));
  EXPECT_FALSE(fields.add("A:", "x"));
  EXPECT_FALSE(fields.add("A\r\nB", "x"));
  EXPECT_FALSE(fields.add("A", "x\r\nB: y"));
  EXPECT_FALSE(fields.add("A", "x\n"));
  EXPECT_FALSE(fields.add("A", "x\0"sv));
  EXPECT_EQ(fields.text(), "");
  EXPECT_TRUE(fields.add("Cache-Control", "no-cache"));
  EXPECT_EQ(fields.text(), "Cache-Control: no-cache\r\n");
}

TEST(DateLine, IsRenderedAnewOnUpdate) {
  DateLine line(kExample);
  EXPECT_EQ(line.text(), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.time(), kExample);
  line.update(kExample + 1);
  EXPECT_EQ(line.text(), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  EXPECT_EQ(line.time(), kExample + 1);
}

}  // namespace
}  // namespace sluiced::http
