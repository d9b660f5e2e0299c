// Patterns for the names of files, such as "*.{css,js}".
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluiced::http {

/// A pattern, taken apart once.
///
/// - `*` stands for any bytes but '/', `**` for any bytes, `?` for one byte that is not '/', and
///   `{a,b}` for either; braces do not nest. `**/` stands for nothing, too, so that
///   "a/**/b" takes "a/b". Everything else stands for itself, upper and lower case apart.
/// - A pattern without '/' is held against the last component of a path, and any other against all
///   of it: a '/' at its beginning stands for the beginning of the path and nothing else.
///
/// There is no way to name a '*', '?' or brace itself, and no [a-z].
class Glob {
 public:
  /// The most plain patterns that one with braces and `**/` may come to.
  static constexpr std::size_t kMostAlternatives = 64;
  static constexpr std::size_t kMostBytes = 256;

  /// What is wrong with a pattern completes a sentence that begins with it.
  static std::expected<Glob, std::string_view> parse(std::string_view pattern);

  /// `path` has no '/' at its beginning.
  bool matches(std::string_view path) const;

 private:
  Glob() = default;

  std::vector<std::string> alternatives_;
  bool takes_whole_path_ = false;
};

}  // namespace sluiced::http
