// Classes of bytes that the grammars of HTTP and of URIs name, as one table.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluiced::http {

namespace detail {

enum CharacterClass : std::uint8_t {
  kTokenClass = 1,       // tchar, RFC 9110 section 5.6.2
  kTargetClass = 2,      // what a request target may hold raw: no control, no space, no '#'
  kUnreservedClass = 4,  // RFC 3986 section 2.3
  kNameClass = 8,        // a registered name without percent-encoding or comma, see authority.hpp
  kEtagClass = 16,       // etagc, RFC 9110 section 8.8.3
  kControlClass = 32,    // %x00-1F and %x7F, the horizontal tab among them
  kPlainClass = 64,  // stands for itself in the path of a target: none of '%', '\\', '/', '.', '?'
};

consteval std::array<std::uint8_t, 256> make_character_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view characters, CharacterClass which) {
    for (const char c : characters) classes[static_cast<unsigned char>(c)] |= which;
  };
  for (unsigned c = 0; c < 256; ++c) {
    const bool control = c < 0x20 || c == 0x7f;
    if (control) classes[c] |= kControlClass;
    // Bytes above 0x7f are no URI characters, yet clients send names in UTF-8 unencoded, and a name
    // is only bytes to us.
    if (!control && c != ' ' && c != '#') {
      classes[c] |= kTargetClass;
      if (c != '%' && c != '\\' && c != '/' && c != '.' && c != '?') classes[c] |= kPlainClass;
    }
    if (!control && c != ' ' && c != '"') classes[c] |= kEtagClass;
  }
  constexpr std::string_view kAlphanumeric =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  add(kAlphanumeric, kTokenClass);
  add("!#$%&'*+-.^_`|~", kTokenClass);
  add(kAlphanumeric, kUnreservedClass);
  add("-._~", kUnreservedClass);
  add(kAlphanumeric, kNameClass);
  add("-._~!$&'()*+;=", kNameClass);
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kCharacterClasses = make_character_classes();

constexpr bool is_in_class(char c, CharacterClass which) {
  return (kCharacterClasses[static_cast<unsigned char>(c)] & which) != 0;
}

}  // namespace detail

constexpr bool is_token_character(char c) { return is_in_class(c, detail::kTokenClass); }
constexpr bool is_target_character(char c) { return is_in_class(c, detail::kTargetClass); }
constexpr bool is_plain_in_path(char c) { return is_in_class(c, detail::kPlainClass); }
constexpr bool is_unreserved(char c) { return is_in_class(c, detail::kUnreservedClass); }
constexpr bool is_name_character(char c) { return is_in_class(c, detail::kNameClass); }
constexpr bool is_etag_character(char c) { return is_in_class(c, detail::kEtagClass); }
constexpr bool is_control(char c) { return is_in_class(c, detail::kControlClass); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }  // OWS of RFC 9110 section 5.6.3
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether `text` is a token: one or more token characters.
constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_character(c)) return false;
  }
  return !text.empty();
}

/// The value of a hexadecimal digit, or -1.
constexpr int hex_digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Lower case of an ASCII letter; any other byte is itself. No locale has a say.
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether `text` equals `lower`, which is written in lower case, when ASCII case is set aside.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

/// `text` without the spaces and tabs around it.
constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the next member of a comma-separated list off the front of `list`, without the blanks
/// around it. Empty members count as members here; RFC 9110 section 5.6.1 has the reader skip them.
/// For lists of tokens only: a comma inside a quoted string splits too.
constexpr std::string_view take_list_member(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view member = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return trim_blanks(member);
}

namespace detail {

/// Marks, by its top bit, each byte of `word` that is below 0x20 or equal to 0x7f: such a byte
/// borrows out of the subtraction, and bytes above 0x7f are masked out. A borrow may mark bytes
/// after the first hit falsely, never one before it.
constexpr std::uint64_t mark_controls(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t below_space = word - (0x20 * kOnes);
  const std::uint64_t is_delete = (word ^ (0x7f * kOnes)) - kOnes;
  return (below_space | is_delete) & ~word & (0x80 * kOnes);
}

inline std::uint64_t load_word(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace detail

/// The first control byte (tab included) in [from, end), or `end`. Every byte of every head passes
/// through here, so eight are looked at together. (Sixteen with SSE2 brought nothing measurable.)
inline const char* find_control(const char* from, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    if (end - from >= 8) {
      while (end - from >= 8) {
        const std::uint64_t marks = detail::mark_controls(detail::load_word(from));
        if (marks != 0) return from + (std::countr_zero(marks) / 8);
        from += 8;
      }
      if (from == end) return end;
      // The rest with the bytes before it, which are known to be clean.
      const std::uint64_t marks = detail::mark_controls(detail::load_word(end - 8));
      return marks != 0 ? end - 8 + (std::countr_zero(marks) / 8) : end;
    }
  }
  while (from != end && !is_control(*from)) ++from;
  return from;
}

}  // namespace sluiced::http
