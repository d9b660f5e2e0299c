// Validators of a file: its entity tag and modification date, and lists of tags in conditions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/date.hpp"
#include "http/field_table.hpp"

namespace sluiced::http {

/// A time of a file as struct statx gives it. Nanoseconds count forward, before 1970 too.
struct FileTime {
  UnixSeconds seconds = 0;
  std::uint32_t nanoseconds = 0;

  friend auto operator<=>(const FileTime&, const FileTime&) = default;
};

/// What is read off an open file to tell one version of it from another.
struct FileVersion {
  FileTime modified;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
};

/// An entity tag that holds its own text, `W/` and quotes included (RFC 9110 section 8.8.3).
class EntityTag {
 public:
  /// `"mtime-size-inode"`, in hexadecimal, mtime in nanoseconds. The dashes keep two versions from
  /// running into one text.
  EntityTag(const FileVersion& version, bool is_weak);

  std::string_view text() const { return {text_.data(), size_}; }
  bool is_weak() const { return is_weak_; }
  /// The tag from quote to quote: what a weak comparison compares.
  std::string_view opaque() const { return text().substr(is_weak_ ? 2 : 0); }

 private:
  std::array<char, 56> text_;  // W/ and quotes and dashes, and three times 16 digits: 54.
  std::uint8_t size_ = 0;
  bool is_weak_;
};

/// What a response says of the version that it carries.
struct Validators {
  std::optional<EntityTag> etag;
  std::optional<UnixSeconds> last_modified;
  /// Whether last_modified is strong enough for If-Range (RFC 9110 section 8.8.2.2).
  bool last_modified_is_strong = false;
};

/// The validators of `version`, `now` being the origin's clock.
///
/// - A file that was modified less than a second ago, or in the future, may change again within the
///   granularity of its file system's clock: its tag is weak, and its date is too.
/// - A date in the future is replaced by `now` (RFC 9110 section 8.8.2.1).
/// - Trees whose files all carry second 0 or 1 (images, package stores) have no modification time:
///   such a file has neither tag nor date.
Validators make_validators(const FileVersion& version, FileTime now);

enum class TagComparison : std::uint8_t { strong, weak };  // RFC 9110 section 8.8.3.2.

enum class TagMatch : std::uint8_t {
  none,       // no member of the list is the tag
  tag,        // a member is
  any,        // the field is "*"
  malformed,  // no member that could be read is the tag, and the rest could not be read
};

/// Looks for `current` in all lines of `field`, If-Match or If-None-Match, as one list. Without a
/// current tag no member matches.
TagMatch find_entity_tag(const FieldTable& fields, KnownField field,
                         const std::optional<EntityTag>& current, TagComparison comparison);

/// Whether `text` is one well-formed entity tag that equals `current` by strong comparison.
bool is_same_strong_tag(std::string_view text, const std::optional<EntityTag>& current);

}  // namespace sluiced::http
