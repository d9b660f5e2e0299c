#include "http/digest_fields.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::string_view kAlgorithm = "sha-256";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr bool is_key_begin(char c) { return (c >= 'a' && c <= 'z') || c == '*'; }
constexpr bool is_key_character(char c) {
  return is_key_begin(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

/// A preference: a whole number from 0 to 10.
std::optional<int> parse_preference(std::string_view text) {
  if (text == "10") return 10;
  if (text.size() != 1 || !is_digit(text[0])) return std::nullopt;
  return text[0] - '0';
}

/// Reads "key=preference", which may have parameters that mean nothing here. False if it is not
/// that.
bool read_member(std::string_view member, bool& is_wanted) {
  const std::size_t equals = member.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = member.substr(0, equals);
  if (key.empty() || !is_key_begin(key[0]) || !std::ranges::all_of(key, is_key_character)) {
    return false;
  }
  const std::string_view value = member.substr(equals + 1);
  const auto preference = parse_preference(value.substr(0, value.find(';')));
  if (!preference) return false;
  if (key == kAlgorithm) is_wanted = *preference > 0;
  return true;
}

bool wants(const FieldTable& fields, KnownField field) {
  bool is_wanted = false;
  bool is_well_formed = true;
  fields.for_each(field, [&](std::string_view list) {
    // A dictionary has no empty members, but a field line may be empty.
    if (trim_blanks(list).empty()) return true;
    const bool ends_in_comma = trim_blanks(list).back() == ',';
    is_well_formed = !ends_in_comma;
    while (is_well_formed && !list.empty()) {
      is_well_formed = read_member(take_list_member(list), is_wanted);
    }
    return is_well_formed;
  });
  return is_well_formed && is_wanted;
}

}  // namespace

WantedDigests wanted_digests(const FieldTable& fields) {
  return {wants(fields, KnownField::want_repr_digest),
          wants(fields, KnownField::want_content_digest)};
}

DigestField::DigestField(const Sha256Digest& digest) {
  char* out = std::ranges::copy(kBegin, text_.begin()).out;
  for (std::size_t i = 0; i < digest.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t there = std::min<std::size_t>(3, digest.size() - i);
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < there ? digest[i + j] : 0);
    for (std::size_t j = 0; j < 4; ++j) {
      *out++ = j <= there ? kBase64[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  *out = ':';
}

}  // namespace sluiced::http
