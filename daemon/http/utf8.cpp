#include "http/utf8.hpp"

namespace sluiced::http {
namespace {

/// What a lead byte asks for: how many bytes follow, and the bounds of the first of them, which
/// shut out overlong forms, surrogates and what lies beyond U+10FFFF.
struct Lead {
  std::size_t following = 0;  // 0: not a lead byte of several.
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {.following = 1};
  if (byte == 0xe0) return {.following = 2, .low = 0xa0};
  if (byte == 0xed) return {.following = 2, .high = 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {.following = 2};
  if (byte == 0xf0) return {.following = 3, .low = 0x90};
  if (byte >= 0xf1 && byte <= 0xf3) return {.following = 3};
  if (byte == 0xf4) return {.following = 3, .high = 0x8f};
  return {};
}

}  // namespace

Utf8Sequence first_utf8_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, true};
  Lead lead = lead_of(first);
  const std::size_t wanted = lead.following + 1;
  std::size_t length = 1;
  while (length < wanted && length < text.size()) {
    const auto byte = static_cast<unsigned char>(text[length]);
    if (byte < lead.low || byte > lead.high) break;
    lead.low = 0x80;
    lead.high = 0xbf;
    ++length;
  }
  return {length, wanted > 1 && length == wanted};
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Sequence sequence = first_utf8_sequence(text);
    if (!sequence.is_valid) return false;
    text.remove_prefix(sequence.bytes);
  }
  return true;
}

std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const Utf8Sequence sequence = first_utf8_sequence(text);
    valid.append(sequence.is_valid ? text.substr(0, sequence.bytes) : kReplacementCharacter);
    text.remove_prefix(sequence.bytes);
  }
  return valid;
}

}  // namespace sluiced::http
