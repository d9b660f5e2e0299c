// The media type of a file, by the extension of its name. Content is never looked into: what a file
// is called is the owner's word, and guessing has made browsers run what was meant to be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluiced::http {

inline constexpr std::string_view kDefaultMediaType = "application/octet-stream";

/// The extension of a file name: what follows the last dot, unless the dot is the first byte
/// (".profile") or the last ("name."). A view into `file_name`; empty if there is none.
std::string_view file_extension(std::string_view file_name);

/// The built-in media type of an extension without its dot, in any case, or nothing. Textual types
/// whose encoding would otherwise be guessed carry "; charset=utf-8"; JSON, YAML and the XML family
/// do not, since they settle it themselves.
std::string_view builtin_media_type(std::string_view extension);

/// Extensions that an operator maps otherwise than the built-in table. Filled while the
/// configuration is read, then only looked at.
class MediaTypeOverrides {
 public:
  static constexpr std::size_t kMaxExtensionBytes = 32;

  /// Maps `extension` (with or without its dot, in any case) to `media_type`, which is sent as it
  /// is. Returns false, and changes nothing, for an extension that is empty or longer than
  /// kMaxExtensionBytes, or a type that is not type/subtype or cannot stand in a field value.
  [[nodiscard]] bool set(std::string_view extension, std::string_view media_type);

  /// The type of an extension without its dot, in any case, or nothing.
  std::string_view find(std::string_view extension) const;

 private:
  struct Type {
    std::string extension;  // In lower case.
    std::string media_type;
  };
  std::vector<Type> types_;  // Sorted by extension.
};

/// The media type of a file: of `overrides` if they know its extension, of the built-in table if
/// that does, kDefaultMediaType else. The view lives as long as `overrides`.
std::string_view media_type_of(std::string_view file_name, const MediaTypeOverrides& overrides);
std::string_view media_type_of(std::string_view file_name);

}  // namespace sluiced::http
