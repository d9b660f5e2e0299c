#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <sluice/clock.hpp>

namespace sluiced::observe {

/// What the access log tells of one request. The views are only looked at.
struct AccessRecord {
  std::int64_t when_s = 0;  // since 1970, when the response had been handed over
  std::uint32_t when_ns = 0;
  std::string_view client;  // the address, without the port
  std::uint16_t client_port = 0;
  std::string_view listener;
  std::string_view site;    // empty: none was chosen
  std::string_view method;  // empty for what was no request; target is then its first line
  std::string_view target;
  std::string_view path;  // the one that all went by, relative to the root; empty: there is none
  std::string_view version;
  unsigned status = 0;
  std::uint64_t content_bytes = 0;  // handed to the socket, not promised
  std::string_view outcome;         // "complete", or why the response was cut
  std::string_view referer;
  std::string_view user_agent;
  // All from the first byte of the request: to its head's end, to the response, to its end.
  sluice::Duration header_time{};
  sluice::Duration first_byte_time{};
  sluice::Duration total_time{};
};

/// Longer lines are not written, so that a pipe takes a line whole (PIPE_BUF of pipe(7)): what
/// clients choose is cut to make that so.
inline constexpr std::size_t kLongestAccessLine = 4096;

/// Writes one line with its end into `room`, which takes kLongestAccessLine bytes, and returns its
/// length. Nothing is allocated, and whatever a client sent comes out as printable text.
///
/// Combined is what Apache and nginx call so; bytes that are not printable ASCII, quotes and
/// backslashes are written as \xHH.
[[nodiscard]] std::size_t write_combined(const AccessRecord& record, std::span<char> room) noexcept;
/// A JSON object (RFC 8259). Times are in microseconds; bytes that are not UTF-8 become U+FFFD.
/// Written by hand because a JSON library allocates for each member of each line.
[[nodiscard]] std::size_t write_json(const AccessRecord& record, std::span<char> room) noexcept;

}  // namespace sluiced::observe
