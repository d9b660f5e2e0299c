#include "http/html_escape.hpp"

#include <array>
#include <charconv>
#include <cstddef>

#include "http/characters.hpp"
#include "http/utf8.hpp"

namespace sluiced::http {
namespace {

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    case '\0':
      out += kReplacementCharacter;
      return;
    default:
      break;
  }
  if (!is_control(c)) {
    out.push_back(c);
    return;
  }
  std::array<char, 3> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), int{c}).ptr;
  out.append("&#").append(digits.data(), end).append(";");
}

}  // namespace

void append_html_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    if (static_cast<unsigned char>(c) < 0x80) {
      append_ascii(out, c);
      bytes.remove_prefix(1);
    } else {
      const Utf8Sequence sequence = first_utf8_sequence(bytes);
      out.append(sequence.is_valid ? bytes.substr(0, sequence.bytes) : kReplacementCharacter);
      bytes.remove_prefix(sequence.bytes);
    }
  }
}

}  // namespace sluiced::http
