// Bytes that may or may not be UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluiced::http {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

/// The sequence at the front of text that is not empty.
struct Utf8Sequence {
  std::size_t bytes = 1;  // of an invalid one: the longest piece that could have begun one
  bool is_valid = false;
};

/// Overlong forms, surrogates and what lies beyond U+10FFFF are invalid (Unicode table 3-7).
Utf8Sequence first_utf8_sequence(std::string_view text);

bool is_valid_utf8(std::string_view text);

/// The text with U+FFFD in place of each longest invalid piece, as browsers do it.
std::string to_valid_utf8(std::string_view text);

}  // namespace sluiced::http
