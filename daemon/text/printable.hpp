#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Text that comes from files, requests and command lines, made fit to be shown to a person. Header
/// only and without state, so that every floor of the daemon may use it.
namespace sluiced::text {

struct CodePoint {
  char32_t value = 0;
  std::size_t length_bytes = 0;
};

/// The character that begins at `text[at]`, or nothing when the bytes there are not UTF-8 as
/// RFC 3629 section 4 has it: overlong forms, surrogates and values above U+10FFFF are refused.
[[nodiscard]] constexpr std::optional<CodePoint> decode_utf8(std::string_view text,
                                                             std::size_t at) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  if (at >= text.size()) {
    return std::nullopt;
  }
  const unsigned lead = byte(at);
  if (lead < 0x80) {
    return CodePoint{lead, 1};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) {
    return std::nullopt;
  }
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t index = at + 1; index < at + length; ++index) {
    if ((byte(index) & 0xC0U) != 0x80U) {
      return std::nullopt;
    }
    value = (value << 6U) | (byte(index) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return std::nullopt;
  }
  return CodePoint{value, length};
}

/// The C0 and C1 control characters and DEL: what can move a cursor, end a line or start a
/// terminal's escape sequence.
[[nodiscard]] constexpr bool is_control(char32_t character) noexcept {
  return character < 0x20 || (character >= 0x7F && character <= 0x9F);
}

/// Appends `text` with every control character, and every byte that is not UTF-8, written as an
/// escape (`\n`, `\r`, `\t`, `\x1b`). The result is one line, whatever came in.
inline void append_printable(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<CodePoint> character = decode_utf8(text, at);
    const std::size_t length = character ? character->length_bytes : 1;
    if (character && !is_control(character->value)) {
      out.append(text, at, length);
    } else if (text[at] == '\n') {
      out += "\\n";
    } else if (text[at] == '\r') {
      out += "\\r";
    } else if (text[at] == '\t') {
      out += "\\t";
    } else {
      for (const char each : text.substr(at, length)) {
        const auto value = static_cast<unsigned char>(each);
        out += "\\x";
        out += digits[value >> 4U];
        out += digits[value & 0x0FU];
      }
    }
    at += length;
  }
}

[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_printable(out, text);
  return out;
}

/// The first `max_bytes` of `text` or fewer, cut between two characters.
[[nodiscard]] constexpr std::string_view clipped(std::string_view text,
                                                 std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) {
    return text;
  }
  // A character has at most three continuation bytes; more of them in a row are not UTF-8 anyway.
  std::size_t end = max_bytes;
  for (int step = 0; step < 3 && end > 0; ++step) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U) {
      break;
    }
    --end;
  }
  return text.substr(0, end);
}

/// How much of a text a person reads in a message, and of a path, which is of no use when it is
/// cut.
inline constexpr std::size_t kLongestQuote = 80;
inline constexpr std::size_t kLongestQuotedPath = 4096;

/// `text` as a message names it: in single quotes, printable, and cut at `longest` bytes.
[[nodiscard]] inline std::string in_quotes(std::string_view text,
                                           std::size_t longest = kLongestQuote) {
  std::string out = "'";
  append_printable(out, clipped(text, longest));
  out += text.size() > longest ? "...'" : "'";
  return out;
}

}  // namespace sluiced::text
