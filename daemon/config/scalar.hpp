#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluiced::config {

/// A value read from text, or a clause that names the text and says what is wrong with it, such as
/// `'10' has no unit: write 10s, or use ms, m, h, d`.
template <class T>
using Parsed = std::expected<T, std::string>;

/// Exactly `true` or `false`. The yes, no, on and off of YAML 1.1 are refused, because elsewhere in
/// the file `off` is a word of its own.
[[nodiscard]] Parsed<bool> parse_boolean(std::string_view text);

/// A whole number in decimal without sign, leading zero or separators.
[[nodiscard]] Parsed<std::uint64_t> parse_integer(std::string_view text);

/// A number of bytes: bare, or with KiB, MiB, GiB (powers of 1024) or KB, MB, GB (powers of 1000)
/// right behind the number.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);

/// A time span with its unit right behind the number: ms, s, m, h or d. Only 0 needs no unit.
[[nodiscard]] Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

/// What parse_size() and parse_duration() read, as a regular expression of JSON Schema (ECMA-262).
inline constexpr std::string_view kSizePattern = "^(0|[1-9][0-9]*)(GiB|MiB|KiB|GB|MB|KB)?$";
inline constexpr std::string_view kDurationPattern = "^(0|(0|[1-9][0-9]*)(d|h|m|s|ms))$";

/// The shortest text that parse_size() reads as `bytes`, in binary units.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// The shortest text that parse_duration() reads as `duration`, which is not negative.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace sluiced::config
