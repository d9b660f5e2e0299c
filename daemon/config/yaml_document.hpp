#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/source.hpp"

namespace sluiced::config {

struct YamlKey {
  std::string text;
  Offset offset = kNowhere;
};

/// One value of a YAML document with the place it stands at. A tree of these owns all it holds:
/// aliases and merge keys (`<<`) have been replaced by copies of what they stand for.
struct YamlNode {
  enum class Kind : std::uint8_t { kNothing, kScalar, kList, kMap };

  Kind kind = Kind::kNothing;
  /// Whether a scalar was written in quotes or as a block, and so is text whatever it looks like.
  bool quoted = false;
  /// An alias stands where it is used; what is inside it stands where it was written.
  Offset offset = kNowhere;
  std::string text;             ///< Of a scalar.
  std::vector<YamlKey> keys;    ///< Of a map, each once; keys[i] is the key of items[i].
  std::vector<YamlNode> items;  ///< Of a list or a map, in the order of the file.

  /// The value of `key` in a map, or null.
  [[nodiscard]] const YamlNode* find(std::string_view key) const noexcept;
};

/// How deeply lists and maps may be nested; the deepest of our options is at level 7.
constexpr std::size_t kDeepestYaml = 32;

/// What one tree may take in memory, which bounds the copies that aliases ask for.
constexpr std::size_t kMostYamlBytes = std::size_t{32} << 20U;

/// Whether the bytes of the source can be a YAML text at all: valid UTF-8 without control
/// characters, not empty, and indented with spaces. Reports every breach.
[[nodiscard]] bool check_yaml_text(Problems& problems);

/// Reads the one document of the source, which has passed check_yaml_text(). Duplicate keys, keys
/// that are no plain text, tags and a second document are reported, and a tree is still returned so
/// that the mistakes in it can be reported as well; after a syntax error there is none.
[[nodiscard]] std::optional<YamlNode> parse_yaml(Problems& problems);

}  // namespace sluiced::config
