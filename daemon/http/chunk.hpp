// The chunked transfer coding, as it is written (RFC 9112 section 7.1).
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluiced::http {

/// What follows the content of a chunk, and the size line of the last one.
inline constexpr std::string_view kAfterChunk = "\r\n";
inline constexpr std::string_view kAfterLastChunk = "\r\n";

/// Appends the line in front of `bytes` of content; 0 begins the last chunk.
inline void append_chunk_start(std::string& out, std::size_t bytes) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  out.append(digits.data(), end).append("\r\n");
}

}  // namespace sluiced::http
