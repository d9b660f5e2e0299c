// Byte ranges: which bytes of a representation a Range field selects (RFC 9110 section 14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluiced::http {

/// Bytes `first` to `last`, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  std::uint64_t size() const { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a Range field comes to.
class RangeSelection {
 public:
  static constexpr std::size_t kMaxRanges = 64;
  static constexpr std::size_t kUsualRanges = 16;

  enum class Kind : std::uint8_t {
    ignored,        // send all of it with 200
    partial,        // send ranges() with 206; all within the length, none empty
    unsatisfiable,  // 416 with "Content-Range: bytes */LENGTH"
  };

  Kind kind() const { return kind_; }

  /// In the order of the field, but ranges that overlap or nearly touch are one. Not empty for
  /// `partial`, empty otherwise.
  std::span<const ByteRange> ranges() const { return {ranges_.data(), size_}; }

  /// The range, if it is just one.
  std::optional<ByteRange> single() const {
    return size_ == 1 ? std::optional(ranges_[0]) : std::nullopt;
  }

 private:
  friend RangeSelection select_ranges(std::string_view, std::uint64_t, std::size_t);
  void add(ByteRange range);

  Kind kind_ = Kind::ignored;
  std::size_t size_ = 0;
  std::array<ByteRange, kMaxRanges> ranges_{};
};

/// Resolves the Range field `value` against a representation of `length` bytes.
///
/// Ignored are: units other than bytes, a set that is not of the grammar or holds a range that ends
/// before it begins, more than `max_ranges` ranges (at most kMaxRanges), ranges that are longer
/// than the whole when taken together (RFC 9110 section 14.2: many that overlap are an attack), and
/// any range of an empty representation. Positions may have any number of digits: a last position
/// past the end means the end, a suffix longer than the whole means the whole. A range that begins
/// past the end, and the suffix "-0", are unsatisfiable; they count for nothing beside one that is
/// not.
RangeSelection select_ranges(std::string_view value, std::uint64_t length,
                             std::size_t max_ranges = RangeSelection::kUsualRanges);

}  // namespace sluiced::http
