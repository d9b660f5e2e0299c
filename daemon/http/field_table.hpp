// The header fields of one request: where they lie in the caller's buffer, and which are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluiced::http {

/// The fields that some stage asks for by name. They are told apart once, while the head is parsed.
enum class KnownField : std::uint8_t {
  accept,
  accept_encoding,
  access_control_request_method,
  authorization,
  connection,
  content_length,
  content_range,
  content_type,
  expect,
  host,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  origin,
  range,
  referer,
  transfer_encoding,
  user_agent,
  want_content_digest,
  want_repr_digest,
  other,
};

inline constexpr std::size_t kKnownFieldCount = static_cast<std::size_t>(KnownField::other);

/// Several of them, a bit for each.
using KnownFields = std::uint32_t;
static_assert(kKnownFieldCount <= 32);

template <typename... Fields>
consteval KnownFields known_fields(Fields... fields) {
  return ((KnownFields{1} << static_cast<unsigned>(fields)) | ...);
}

/// The field that `name` names, in whatever case it is written.
KnownField identify_field(std::string_view name);

/// One field line. Both are views into the buffer that holds the head.
struct FieldLine {
  std::string_view name;
  std::string_view value;
};

/// The field lines of a head in the order they came, with capacity for `kCapacity` of them.
///
/// Positions are kept, not views: a table is a quarter of the size that way, and the buffer may
/// move between two pieces of a head that arrives slowly. Views handed out are good while the
/// buffer that was last given to rebase() is. A table knows nothing of limits or grammar; whoever
/// fills it does.
class FieldTable {
 public:
  static constexpr std::size_t kCapacity = 128;
  static constexpr std::size_t kMaxNameBytes = 255;
  /// Positions are 16 bits wide, and so a head ends before byte 65536 of its buffer.
  static constexpr std::size_t kMaxBufferBytes = 65535;

  FieldTable() = default;
  FieldTable(const FieldTable&) = delete;
  FieldTable& operator=(const FieldTable&) = delete;

  void clear() {
    size_ = 0;
    present_ = 0;
  }

  /// Says where the buffer is now. Call it before anything is read from the table.
  void rebase(const char* buffer) { buffer_ = buffer; }

  /// Files one line by its positions in the buffer. The table must not be full, the name not empty
  /// and not longer than kMaxNameBytes, and everything within kMaxBufferBytes.
  void add(std::size_t name_position, std::size_t name_bytes, std::size_t value_position,
           std::size_t value_bytes);

  std::size_t size() const { return size_; }
  FieldLine line(std::size_t index) const;

  /// How many lines there are of `field`.
  std::size_t count(KnownField field) const {
    return has(field) ? times_[static_cast<std::size_t>(field)] : 0;
  }
  bool has(KnownField field) const { return (present_ >> static_cast<unsigned>(field) & 1) != 0; }
  bool has_any(KnownFields fields) const { return (present_ & fields) != 0; }

  /// The value of `field` if exactly one line of it came. A field that is no list but came twice is
  /// invalid, and RFC 9110 section 5.3 leaves open what it means; here it means absent.
  std::optional<std::string_view> single(KnownField field) const {
    if (count(field) != 1) return std::nullopt;
    return value_of(spans_[first_[static_cast<std::size_t>(field)]]);
  }

  /// Calls `visit` with each value of `field`, in order: the members of one list, RFC 9110 section
  /// 5.3. Ends early when `visit` returns false.
  template <typename Visit>
  void for_each(KnownField field, Visit&& visit) const {
    if (!has(field)) return;
    for (std::size_t i = first_[static_cast<std::size_t>(field)]; i < size_; ++i) {
      if (spans_[i].known == field && !visit(value_of(spans_[i]))) return;
    }
  }

 private:
  // No member has an initial value: a table is cleared for each request, and most of it is never
  // touched.
  struct Span {
    std::uint16_t name_position;
    std::uint16_t value_position;
    std::uint16_t value_bytes;
    std::uint8_t name_bytes;
    KnownField known;
  };

  std::string_view value_of(const Span& span) const {
    return {buffer_ + span.value_position, span.value_bytes};
  }

  const char* buffer_ = nullptr;
  std::size_t size_ = 0;
  KnownFields present_ = 0;
  std::array<std::uint8_t, kKnownFieldCount> times_;  // Of what is present, like first_.
  std::array<std::uint8_t, kKnownFieldCount> first_;
  std::array<Span, kCapacity> spans_;
};

}  // namespace sluiced::http
