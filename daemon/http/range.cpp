#include "http/range.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

/// Ranges nearer than this are sent as one: a part of its own costs about as much in part headers.
constexpr std::uint64_t kCoalesceGapBytes = 128;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

/// One range as it is written: "first-", "first-last" or "-suffix".
struct RangeSpec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  // The length of the suffix if there is no first.
};

/// Digits alone, at least one; what does not fit becomes the greatest number, which is past the end
/// of every file just as well.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

/// Whether the number `left` is less than `right`. Both are digits, of any number: parse_position()
/// takes all that are too great for it for equal.
bool is_less(std::string_view left, std::string_view right) {
  left.remove_prefix(std::min(left.find_first_not_of('0'), left.size()));
  right.remove_prefix(std::min(right.find_first_not_of('0'), right.size()));
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

std::optional<RangeSpec> parse_range_spec(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view left = text.substr(0, dash);
  const std::string_view right = text.substr(dash + 1);
  RangeSpec spec{parse_position(left), parse_position(right)};
  if (!left.empty() && !spec.first) return std::nullopt;
  if (!right.empty() && !spec.last) return std::nullopt;
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && is_less(right, left)) return std::nullopt;
  return spec;
}

/// The bytes that `spec` selects, or nothing if it is unsatisfiable. `length` is not 0.
std::optional<ByteRange> resolve(const RangeSpec& spec, std::uint64_t length) {
  if (!spec.first) {
    if (*spec.last == 0) return std::nullopt;
    return ByteRange{length - std::min(*spec.last, length), length - 1};
  }
  if (*spec.first >= length) return std::nullopt;
  return ByteRange{*spec.first, std::min(spec.last.value_or(length - 1), length - 1)};
}

bool belong_together(const ByteRange& a, const ByteRange& b) {
  const std::uint64_t start = std::max(a.first, b.first);
  const std::uint64_t end = std::min(a.last, b.last);
  return start <= end || start - end - 1 < kCoalesceGapBytes;
}

}  // namespace

/// Adds `range`, with every range that it reaches melted into it, in the place of the first of
/// them.
void RangeSelection::add(ByteRange range) {
  std::size_t place = size_;
  for (std::size_t i = 0; i < size_;) {
    if (!belong_together(ranges_[i], range)) {
      ++i;
      continue;
    }
    range = {std::min(range.first, ranges_[i].first), std::max(range.last, ranges_[i].last)};
    place = std::min(place, i);
    std::shift_left(ranges_.begin() + static_cast<std::ptrdiff_t>(i),
                    ranges_.begin() + static_cast<std::ptrdiff_t>(size_), 1);
    --size_;
    i = 0;  // The range has grown, and may reach now what it did not.
  }
  place = std::min(place, size_);
  std::shift_right(ranges_.begin() + static_cast<std::ptrdiff_t>(place),
                   ranges_.begin() + static_cast<std::ptrdiff_t>(size_ + 1), 1);
  ranges_[place] = range;
  ++size_;
}

RangeSelection select_ranges(std::string_view value, std::uint64_t length, std::size_t max_ranges) {
  const RangeSelection ignored;
  const std::size_t equals = value.find('=');
  if (length == 0 || equals == std::string_view::npos ||
      !equals_ignoring_case(value.substr(0, equals), "bytes")) {
    return ignored;
  }
  RangeSelection selection;
  std::size_t specs = 0;
  std::uint64_t unused = length;
  std::string_view rest = value.substr(equals + 1);
  while (!rest.empty()) {
    const std::string_view member = take_list_member(rest);
    if (member.empty()) continue;
    const auto spec = parse_range_spec(member);
    if (!spec || ++specs > std::min(max_ranges, RangeSelection::kMaxRanges)) return ignored;
    const auto range = resolve(*spec, length);
    if (!range) continue;
    if (range->size() > unused) return ignored;
    unused -= range->size();
    selection.add(*range);
  }
  if (specs == 0) return ignored;
  selection.kind_ =
      selection.size_ == 0 ? RangeSelection::Kind::unsatisfiable : RangeSelection::Kind::partial;
  return selection;
}

}  // namespace sluiced::http
