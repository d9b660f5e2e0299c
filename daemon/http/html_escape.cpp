#include "http/html_escape.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// What a lead byte asks for: how many bytes follow, and the bounds of the first of them, which
/// shut out overlong forms, surrogates and what lies beyond U+10FFFF (Unicode table 3-7).
struct Sequence {
  std::size_t following = 0;  // 0: not a lead byte.
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Sequence sequence_of(unsigned char lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return {.following = 1};
  if (lead == 0xe0) return {.following = 2, .low = 0xa0};
  if (lead == 0xed) return {.following = 2, .high = 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {.following = 2};
  if (lead == 0xf0) return {.following = 3, .low = 0x90};
  if (lead >= 0xf1 && lead <= 0xf3) return {.following = 3};
  if (lead == 0xf4) return {.following = 3, .high = 0x8f};
  return {};
}

/// Appends the sequence at the front of `bytes`, or U+FFFD for what there is of it, and returns how
/// many bytes that was.
std::size_t append_multibyte(std::string& out, std::string_view bytes) {
  Sequence sequence = sequence_of(static_cast<unsigned char>(bytes.front()));
  const std::size_t wanted = sequence.following + 1;
  std::size_t length = 1;
  while (length < wanted && length < bytes.size()) {
    const auto byte = static_cast<unsigned char>(bytes[length]);
    if (byte < sequence.low || byte > sequence.high) break;
    sequence.low = 0x80;
    sequence.high = 0xbf;
    ++length;
  }
  const bool is_whole = wanted > 1 && length == wanted;
  out.append(is_whole ? bytes.substr(0, length) : kReplacementCharacter);
  return length;
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    case '\0':
      out += kReplacementCharacter;
      return;
    default:
      break;
  }
  if (!is_control(c)) {
    out.push_back(c);
    return;
  }
  std::array<char, 3> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), int{c}).ptr;
  out.append("&#").append(digits.data(), end).append(";");
}

}  // namespace

void append_html_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    if (static_cast<unsigned char>(c) < 0x80) {
      append_ascii(out, c);
      bytes.remove_prefix(1);
    } else {
      bytes.remove_prefix(append_multibyte(out, bytes));
    }
  }
}

}  // namespace sluiced::http
