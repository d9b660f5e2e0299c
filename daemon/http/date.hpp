// HTTP dates (RFC 9110 section 5.6.7). No locale, no time zone, no C library calendar.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluiced::http {

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds, as in struct statx.
using UnixSeconds = std::int64_t;

inline constexpr std::size_t kHttpDateBytes = 29;
using HttpDate = std::array<char, kHttpDateBytes>;

/// The IMF-fixdate of `time`: "Sun, 06 Nov 1994 08:49:37 GMT". Years outside 0001 to 9999, which
/// have no four digits, are cut down to the first and last second of that span.
HttpDate format_http_date(UnixSeconds time);

/// The time that `text` names in one of the three forms: IMF-fixdate, and the obsolete ones of RFC
/// 850 and asctime(3). Exact and case-sensitive, so nothing for anything else. The day's name has
/// to be one, but not the right one: it carries no information. Second 60 is the one after 59. A
/// two-digit year is the latest one that is at most 50 years after `now`.
std::optional<UnixSeconds> parse_http_date(std::string_view text, UnixSeconds now);

}  // namespace sluiced::http
