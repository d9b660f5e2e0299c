#include "http/entity_tag.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::uint64_t kNanosecondsOfSecond = 1'000'000'000;
constexpr std::string_view kHexadecimalDigits = "0123456789abcdef";

struct ParsedTag {
  bool is_weak = false;
  std::string_view opaque;
};

/// Takes entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE off the front of `text`. "W" is case-sensitive.
std::optional<ParsedTag> take_entity_tag(std::string_view& text) {
  ParsedTag tag;
  if (text.starts_with("W/")) {
    tag.is_weak = true;
    text.remove_prefix(2);
  }
  if (!text.starts_with('"')) return std::nullopt;
  std::size_t end = 1;
  while (end < text.size() && is_etag_character(text[end])) ++end;
  if (end == text.size() || text[end] != '"') return std::nullopt;
  tag.opaque = text.substr(0, end + 1);
  text.remove_prefix(end + 1);
  return tag;
}

bool is_equal(const ParsedTag& tag, const EntityTag& current, TagComparison comparison) {
  if (comparison == TagComparison::strong && (tag.is_weak || current.is_weak())) return false;
  return tag.opaque == current.opaque();
}

/// Looks through one field line.
TagMatch find_in_line(std::string_view list, const std::optional<EntityTag>& current,
                      TagComparison comparison) {
  for (;;) {
    while (!list.empty() && (is_blank(list.front()) || list.front() == ',')) list.remove_prefix(1);
    if (list.empty()) return TagMatch::none;
    const auto tag = take_entity_tag(list);
    if (!tag) return TagMatch::malformed;
    while (!list.empty() && is_blank(list.front())) list.remove_prefix(1);
    if (!list.empty() && list.front() != ',') return TagMatch::malformed;
    if (current && is_equal(*tag, *current, comparison)) return TagMatch::tag;
  }
}

/// Writes `value` without leading zeros, and returns the end of what it wrote.
char* put_hexadecimal(char* out, std::uint64_t value) {
  const unsigned digits = (static_cast<unsigned>(std::bit_width(value | 1)) + 3) / 4;
  for (char* next = out + digits; next != out; value >>= 4)
    *--next = kHexadecimalDigits[value & 0xf];
  return out + digits;
}

}  // namespace

EntityTag::EntityTag(const FileVersion& version, bool is_weak) : is_weak_(is_weak) {
  char* out = text_.data();
  if (is_weak) {
    *out++ = 'W';
    *out++ = '/';
  }
  // Times far away wrap around: the text only has to differ where the time does.
  const std::uint64_t modified_ns =
      static_cast<std::uint64_t>(version.modified.seconds) * kNanosecondsOfSecond +
      version.modified.nanoseconds;
  *out++ = '"';
  out = put_hexadecimal(out, modified_ns);
  *out++ = '-';
  out = put_hexadecimal(out, version.size);
  *out++ = '-';
  out = put_hexadecimal(out, version.inode);
  *out++ = '"';
  size_ = static_cast<std::uint8_t>(out - text_.data());
}

Validators make_validators(const FileVersion& version, FileTime now) {
  Validators validators;
  const FileTime modified = version.modified;
  if (modified.seconds == 0 || modified.seconds == 1) return validators;
  const FileTime second_later{modified.seconds + 1, modified.nanoseconds};
  const bool is_hot = now < second_later;
  validators.etag.emplace(version, is_hot);
  validators.last_modified = std::min(modified.seconds, now.seconds);
  validators.last_modified_is_strong = !is_hot;
  return validators;
}

TagMatch find_entity_tag(const FieldTable& fields, KnownField field,
                         const std::optional<EntityTag>& current, TagComparison comparison) {
  if (fields.single(field) == "*") return TagMatch::any;
  TagMatch result = TagMatch::none;
  fields.for_each(field, [&](std::string_view list) {
    const TagMatch found = find_in_line(list, current, comparison);
    if (found != TagMatch::none) result = found;
    return found != TagMatch::tag;
  });
  return result;
}

bool is_same_strong_tag(std::string_view text, const std::optional<EntityTag>& current) {
  const auto tag = take_entity_tag(text);
  return tag && text.empty() && current && is_equal(*tag, *current, TagComparison::strong);
}

}  // namespace sluiced::http
