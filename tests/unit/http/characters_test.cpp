#include "http/characters.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

TEST(Characters, ControlIsFoundInEveryPositionOfEveryLength) {
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t position = 0; position < size; ++position) {
      for (int byte = 0; byte < 256; ++byte) {
        // The bytes around the one that is looked for are those most like a control byte.
        std::string text(size, byte % 2 == 0 ? ' ' : '\x80');
        text[position] = static_cast<char>(byte);
        const bool is_hit = byte < 0x20 || byte == 0x7f;
        const char* const end = text.data() + size;
        const char* const expected = is_hit ? text.data() + position : end;
        ASSERT_EQ(find_control(text.data(), end), expected)
            << size << " " << position << " " << byte;
      }
    }
  }
}

TEST(Characters, TheFirstOfSeveralControlsIsFound) {
  std::string text(24, 'x');
  for (std::size_t first = 0; first < text.size(); ++first) {
    for (std::size_t second = first + 1; second < text.size(); ++second) {
      std::string marked = text;
      marked[first] = '\x7f';
      marked[second] = '\0';
      const char* const end = marked.data() + marked.size();
      ASSERT_EQ(find_control(marked.data(), end) - marked.data(),
                static_cast<std::ptrdiff_t>(first));
      ASSERT_EQ(find_control(marked.data() + first + 1, end) - marked.data(),
                static_cast<std::ptrdiff_t>(second));
    }
  }
}

TEST(Characters, ClassesAreThoseOfTheGrammars) {
  const std::string_view delimiters = "\"(),/:;<=>?@[\\]{} \t";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool visible = byte > 0x20 && byte < 0x7f;
    EXPECT_EQ(is_token_character(c), visible && delimiters.find(c) == std::string_view::npos)
        << byte;
    EXPECT_EQ(is_control(c), byte < 0x20 || byte == 0x7f) << byte;
    EXPECT_EQ(is_target_character(c), (visible && c != '#') || byte > 0x7f) << byte;
    EXPECT_EQ(is_etag_character(c), (visible && c != '"') || byte > 0x7f) << byte;
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    EXPECT_EQ(is_unreserved(c), alphanumeric || (byte != 0 && std::string_view("-._~").find(c) !=
                                                                  std::string_view::npos))
        << byte;
    EXPECT_EQ(hex_digit_value(c) >= 0, alphanumeric && to_lower(c) <= 'f') << byte;
  }
  EXPECT_EQ(hex_digit_value('0'), 0);
  EXPECT_EQ(hex_digit_value('9'), 9);
  EXPECT_EQ(hex_digit_value('a'), 10);
  EXPECT_EQ(hex_digit_value('F'), 15);
}

TEST(Characters, ListMembersAreTakenOneByOne) {
  std::string_view list = " a ,, b\t,c";
  EXPECT_EQ(take_list_member(list), "a");
  EXPECT_EQ(take_list_member(list), "");
  EXPECT_EQ(take_list_member(list), "b");
  EXPECT_EQ(take_list_member(list), "c");
  EXPECT_TRUE(list.empty());
}

TEST(Characters, CaseIsSetAsideForAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("ChUnKeD", "chunked"));
  EXPECT_FALSE(equals_ignoring_case("chunke", "chunked"));
  EXPECT_FALSE(
      equals_ignoring_case("chun\x0b"
                           "ed",
                           "chunked"));
  EXPECT_FALSE(equals_ignoring_case("\xC3\x84", "\xC3\xA4"));
}

}  // namespace
}  // namespace sluiced::http
