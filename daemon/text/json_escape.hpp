#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "text/printable.hpp"

/// Text as the content of a JSON string (RFC 8259 section 7), piece by piece, so that it can be cut
/// to a length without a library and without an allocation. Header only and without state, so that
/// every floor of the daemon may use it.
namespace sluiced::text {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

/// The escape of one piece of a text, and how many bytes of the text it stands for.
struct Piece {
  std::array<char, 6> text{};
  std::size_t size = 0;
  std::size_t consumed = 1;

  [[nodiscard]] std::string_view view() const noexcept { return {text.data(), size}; }
};

[[nodiscard]] inline Piece plain_byte(char byte) noexcept { return {{byte}, 1, 1}; }

/// The character of `text` that begins at `at`, which is less than its size. What is not UTF-8
/// becomes U+FFFD byte by byte; control characters, and what ends lines for some readers (U+2028
/// and U+2029), become \uXXXX.
[[nodiscard]] inline Piece json_piece(std::string_view text, std::size_t at) noexcept {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte == '"' || byte == '\\') {
    return {{'\\', text[at]}, 2, 1};
  }
  if (byte >= 0x20 && byte < 0x7F) {
    return plain_byte(text[at]);
  }
  const auto character = decode_utf8(text, at);
  if (!character) {
    return {{'\\', 'u', 'f', 'f', 'f', 'd'}, 6, 1};
  }
  Piece piece;
  piece.consumed = character->length_bytes;
  if (is_control(character->value) || character->value == 0x2028 || character->value == 0x2029) {
    const auto value = static_cast<unsigned>(character->value);
    piece.text = {'\\',
                  'u',
                  kHexDigits[value >> 12U & 0x0FU],
                  kHexDigits[value >> 8U & 0x0FU],
                  kHexDigits[value >> 4U & 0x0FU],
                  kHexDigits[value & 0x0FU]};
    piece.size = 6;
    return piece;
  }
  std::memcpy(piece.text.data(), text.data() + at, piece.consumed);
  piece.size = piece.consumed;
  return piece;
}

}  // namespace sluiced::text
