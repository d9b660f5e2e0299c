#include "http/multipart_ranges.hpp"

namespace sluiced::http {

MultipartRanges::MultipartRanges(std::span<const ByteRange> ranges, std::string_view content_type,
                                 std::uint64_t complete_length)
    : ranges_(ranges.begin(), ranges.end()),
      part_type_(content_type),
      complete_length_(complete_length),
      boundary_(kBoundaryBytes, '0') {}

std::string MultipartRanges::content_type() const {
  return "multipart/byteranges; boundary=" + boundary_;
}

std::uint64_t MultipartRanges::content_length() const {
  std::uint64_t length = closing().size();
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    length += part_head(i).size() + ranges_[i].size();
  }
  return length;
}

std::string MultipartRanges::part_head(std::size_t index) const {
  // The line break before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1); nothing
  // goes before the first.
  std::string head = index == 0 ? "--" : "\r\n--";
  head += boundary_ + "\r\n";
  if (!part_type_.empty()) head += "Content-Type: " + part_type_ + "\r\n";
  const ByteRange& range = ranges_[index];
  head += "Content-Range: bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) +
          "/" + std::to_string(complete_length_) + "\r\n\r\n";
  return head;
}

std::string MultipartRanges::closing() const { return "\r\n--" + boundary_ + "--\r\n"; }

}  // namespace sluiced::http
