// A Range field against an interpreter that counts in decimal text, and so knows no overflow (RFC
// 9110 section 14.1): the same verdict, every byte that was asked for, and hardly one more.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"
#include "http/range.hpp"

namespace sluiced::fuzz {
namespace {

using http::ByteRange;
using http::RangeSelection;
using Kind = RangeSelection::Kind;

constexpr std::uint64_t kMostGapBytes = 128;  // What a part of its own would cost.

constexpr std::array<std::uint64_t, 12> kLengths = {
    0,           1,
    2,           10,
    1000,        4096,
    65537,       4294967295,
    4294967296,  9223372036854775807U,
    1ULL << 63U, std::numeric_limits<std::uint64_t>::max()};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Less than, equal, greater: of two numbers in decimal, however long.
int compare(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

std::uint64_t value_below(std::string_view text, std::uint64_t limit) {
  return compare(text, std::to_string(limit)) >= 0 ? limit : std::stoull(std::string(text));
}

struct Expected {
  Kind kind = Kind::ignored;
  std::vector<ByteRange> ranges;
};

/// One member of a set, added to `expected` where it selects anything; false if it is malformed.
bool interpret_member(std::string_view member, std::uint64_t length, Expected& expected) {
  const auto dash = member.find('-');
  if (dash == std::string_view::npos) return false;
  const auto first = member.substr(0, dash);
  const auto last = member.substr(dash + 1);
  const std::string whole = std::to_string(length);
  if (first.empty()) {
    if (!is_number(last)) return false;
    const std::uint64_t suffix = value_below(last, length);
    if (suffix > 0) expected.ranges.push_back({length - suffix, length - 1});
    return true;
  }
  if (!is_number(first) || (!last.empty() && !is_number(last))) return false;
  if (!last.empty() && compare(last, first) < 0) return false;
  if (compare(first, whole) >= 0) return true;
  expected.ranges.push_back(
      {std::stoull(std::string(first)), last.empty() ? length - 1 : value_below(last, length - 1)});
  return true;
}

Expected interpret(std::string_view value, std::uint64_t length, std::size_t max_ranges) {
  const auto equals = value.find('=');
  if (length == 0 || equals == std::string_view::npos) return {};
  std::string unit(value.substr(0, equals));
  std::ranges::transform(unit, unit.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  if (unit != "bytes") return {};
  Expected expected;
  std::size_t members = 0;
  std::string_view set = value.substr(equals + 1);
  for (bool more = true; more;) {
    const auto comma = set.find(',');
    more = comma != std::string_view::npos;
    std::string_view member = set.substr(0, comma);
    if (more) set.remove_prefix(comma + 1);
    member.remove_prefix(std::min(member.find_first_not_of(" \t"), member.size()));
    member = member.substr(0, member.find_last_not_of(" \t") + 1);
    if (member.empty()) continue;
    if (!interpret_member(member, length, expected) || ++members > max_ranges) return {};
  }
  if (members == 0) return {};
  // Together longer than the whole: an attack (RFC 9110 section 14.2).
  std::uint64_t unused = length;
  for (const ByteRange& range : expected.ranges) {
    const std::uint64_t size = range.last - range.first + 1;
    if (size > unused) return {};
    unused -= size;
  }
  expected.kind = expected.ranges.empty() ? Kind::unsatisfiable : Kind::partial;
  return expected;
}

bool covers(const ByteRange& outer, const ByteRange& inner) {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/// `range` holds nothing but what was asked for, and gaps that are not worth a part of their own.
void check_is_asked_for(const ByteRange& range, std::vector<ByteRange> asked) {
  std::erase_if(asked, [&](const ByteRange& one) { return !covers(range, one); });
  std::ranges::sort(asked, {}, &ByteRange::first);
  require(!asked.empty() && asked.front().first == range.first, "a range begins where asked");
  std::uint64_t end = asked.front().last;
  for (const ByteRange& next : asked) {
    require(next.first <= end || next.first - end - 1 < kMostGapBytes, "no large gap is filled");
    end = std::max(end, next.last);
  }
  require(end == range.last, "a range ends where asked");
}

}  // namespace
}  // namespace sluiced::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluiced::fuzz;
  Input input(data, size);
  const std::uint64_t length = kLengths[input.take_number() % kLengths.size()];
  const std::size_t max_ranges = 1 + input.take_number() % RangeSelection::kMaxRanges;
  const std::string_view value = input.rest();
  const RangeSelection selection = sluiced::http::select_ranges(value, length, max_ranges);
  const Expected expected = interpret(value, length, max_ranges);
  require(selection.kind() == expected.kind, "the verdict is that of the interpreter");
  const auto ranges = selection.ranges();
  require(ranges.empty() == (expected.kind != Kind::partial), "there are ranges if it is partial");
  require(ranges.size() <= max_ranges, "there are no more ranges than allowed");
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    require(ranges[i].first <= ranges[i].last && ranges[i].last < length, "ranges lie within");
    check_is_asked_for(ranges[i], expected.ranges);
    for (std::size_t j = 0; j < i; ++j) {
      require(ranges[i].last < ranges[j].first || ranges[j].last < ranges[i].first,
              "no byte is sent twice");
    }
  }
  for (const ByteRange& asked : expected.ranges) {
    require(std::ranges::any_of(ranges, [&](const ByteRange& one) { return covers(one, asked); }),
            "every byte that was asked for is sent");
  }
  return 0;
}
