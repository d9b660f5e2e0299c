// Several ranges of one representation as a message: multipart/byteranges (RFC 9110 section 14.6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/range.hpp"

namespace sluiced::http {

/// The parts around the bytes: content is, for each range, part_head() and the bytes of range(),
/// and closing() at the end. Nothing but these texts is held in memory, however long the ranges
/// are.
///
/// What the parts are told apart by has to be random: with 128 bits of it, nobody who wrote the
/// file can have put it there, and chance does not.
class MultipartRanges {
 public:
  static constexpr std::size_t kBoundaryBytes = 32;

  /// `ranges` are those that a RangeSelection selected from `complete_length` bytes of
  /// `content_type`, which may be empty.
  MultipartRanges(std::span<const ByteRange> ranges, std::string_view content_type,
                  std::uint64_t complete_length);

  /// Sets what stands between the parts: kBoundaryBytes of [0-9a-f]. Before that it is all zeros.
  void set_boundary(std::string_view boundary) { boundary_ = boundary; }

  /// The Content-Type of the whole.
  std::string content_type() const;
  /// The exact length of the whole, which does not depend on the boundary.
  std::uint64_t content_length() const;

  std::size_t size() const { return ranges_.size(); }
  const ByteRange& range(std::size_t index) const { return ranges_[index]; }
  /// What goes before the bytes of a range.
  std::string part_head(std::size_t index) const;
  /// What goes after the last.
  std::string closing() const;

 private:
  std::vector<ByteRange> ranges_;
  std::string part_type_;
  std::uint64_t complete_length_;
  std::string boundary_;
};

}  // namespace sluiced::http
