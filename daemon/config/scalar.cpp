#include "config/scalar.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// In the order in which format_size() and format_duration() try them: the largest first.
constexpr std::array<Unit, 6> kSizeUnits{{{"GiB", 1ULL << 30U},
                                          {"MiB", 1ULL << 20U},
                                          {"KiB", 1ULL << 10U},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000}}};
constexpr std::size_t kBinarySizeUnits = 3;
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

std::unexpected<std::string> refused(std::string_view text, std::string_view why) {
  return std::unexpected(in_quotes(text) + ' ' + std::string(why));
}

/// A number and what is written behind it.
struct Quantity {
  std::uint64_t number;
  std::string_view unit;
};

Parsed<Quantity> split_quantity(std::string_view text, std::string_view wanted) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const std::string_view number = text.substr(0, digits);
  const std::string_view rest = text.substr(number.size());
  if (text.empty()) {
    return std::unexpected(std::string("the value is empty"));
  }
  if (text.starts_with('-') && text.size() > 1) {
    return refused(text, "is negative");
  }
  if (number.empty()) {
    return refused(text, "is not " + std::string(wanted));
  }
  if (number.size() > 1 && number.starts_with('0')) {
    return refused(text, "has a leading zero");
  }
  if (rest.starts_with(' ') || rest.starts_with('\t')) {
    return refused(text, "has white space inside");
  }
  Quantity quantity{0, rest};
  const auto parsed =
      std::from_chars(number.data(), number.data() + number.size(), quantity.number);
  if (parsed.ec != std::errc{}) {
    return refused(text, "is too large");
  }
  return quantity;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return &unit;
    }
  }
  return nullptr;
}

Parsed<std::uint64_t> multiplied(std::string_view text, const Quantity& quantity,
                                 std::uint64_t factor) {
  std::uint64_t product = 0;
  // Milliseconds are counted in signed numbers, so that is the limit of both kinds of quantity.
  if (__builtin_mul_overflow(quantity.number, factor, &product) ||
      product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return refused(text, "is too large");
  }
  return product;
}

std::string formatted(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}

/// Whether what is behind the digits goes on with decimals.
bool has_decimals(std::string_view rest) { return rest.starts_with('.') || rest.starts_with(','); }

constexpr std::string_view kNoDecimals = "has decimals: use a smaller unit";

std::string advice_on_size_unit(std::string_view number, std::string_view unit) {
  const std::string_view prefixes = "kKmMgG";
  const std::size_t found = prefixes.find(unit.front());
  if (found == std::string_view::npos || unit.size() > 3) {
    return "use KiB, MiB, GiB, KB, MB, GB, or nothing for bytes";
  }
  const std::string prefix(1, prefixes[found | 1U]);
  return "write " + std::string(number) + prefix + "iB (in steps of 1024) or " +
         std::string(number) + prefix + "B (in steps of 1000)";
}

}  // namespace

Parsed<bool> parse_boolean(std::string_view text) {
  if (text == "true") {
    return true;
  }
  if (text == "false") {
    return false;
  }
  return refused(text, "is neither true nor false");
}

Parsed<std::uint64_t> parse_integer(std::string_view text) {
  const Parsed<Quantity> quantity = split_quantity(text, "a whole number");
  if (!quantity) {
    return std::unexpected(quantity.error());
  }
  if (!quantity->unit.empty()) {
    return refused(text, "is not a whole number");
  }
  return quantity->number;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  const Parsed<Quantity> quantity = split_quantity(text, "a size such as 8KiB");
  if (!quantity) {
    return std::unexpected(quantity.error());
  }
  if (quantity->unit.empty()) {
    return multiplied(text, *quantity, 1);
  }
  if (has_decimals(quantity->unit)) {
    return refused(text, kNoDecimals);
  }
  const Unit* unit = find_unit(kSizeUnits, quantity->unit);
  if (unit == nullptr) {
    return refused(text,
                   "has an unknown unit: " +
                       advice_on_size_unit(text.substr(0, text.size() - quantity->unit.size()),
                                           quantity->unit));
  }
  return multiplied(text, *quantity, unit->factor);
}

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const Parsed<Quantity> quantity = split_quantity(text, "a time such as 10s");
  if (!quantity) {
    return std::unexpected(quantity.error());
  }
  if (text == "0") {
    return std::chrono::milliseconds(0);
  }
  if (quantity->unit.empty()) {
    return refused(
        text, "has no unit: write " + std::to_string(quantity->number) + "s, or use ms, m, h, d");
  }
  if (has_decimals(quantity->unit)) {
    return refused(text, kNoDecimals);
  }
  const Unit* unit = find_unit(kDurationUnits, quantity->unit);
  if (unit == nullptr) {
    return refused(text, "has an unknown unit: use ms, s, m, h or d");
  }
  const Parsed<std::uint64_t> milliseconds = multiplied(text, *quantity, unit->factor);
  if (!milliseconds) {
    return std::unexpected(milliseconds.error());
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(*milliseconds));
}

std::string format_size(std::uint64_t bytes) {
  return formatted(bytes, std::span(kSizeUnits).first(kBinarySizeUnits));
}

std::string format_duration(std::chrono::milliseconds duration) {
  return formatted(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

}  // namespace sluiced::config
