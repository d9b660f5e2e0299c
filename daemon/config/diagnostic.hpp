#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace sluiced::config {

/// A place in a file. Both numbers begin at 1 and a column is one character (not one byte); 0 means
/// that there is no such place.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  [[nodiscard]] bool known() const noexcept { return line != 0; }
  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Severity : std::uint8_t { kError, kWarning };

/// One thing that is wrong, or unwise, with a configuration.
struct Diagnostic {
  std::string file;  ///< Empty for a configuration that no file holds.
  Place place;
  Severity severity = Severity::kError;
  std::string message;      ///< One line of printable text, without a full stop.
  std::string source_line;  ///< The line, or the part of a long line around the place.
  std::uint32_t caret = 0;  ///< The column of the place within `source_line`.
};

/// The form that compilers use and editors jump to:
///
///     /etc/sluice/sluiced.yaml:14:3: error: unknown key 'listners' in 'sites[0]'
///       listners: [web]
///       ^
///
/// Every line ends in a newline. What is not known is left out, down to `error: ...` alone.
[[nodiscard]] std::string format(const Diagnostic& diagnostic);

/// All of them, one after the other.
[[nodiscard]] std::string format(const std::vector<Diagnostic>& diagnostics);

}  // namespace sluiced::config
