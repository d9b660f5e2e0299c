// The checks made before the YAML parser sees a text. yaml-cpp reads on over broken UTF-8, takes
// byte 0x04 for the end of the file, drops a lone carriage return, and accepts some tabs in the
// indentation in a sense that no author has meant.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/source.hpp"
#include "config/yaml_document.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool is_permitted(std::string_view text, std::size_t at, char32_t character) {
  if (character == '\r') {
    return at + 1 < text.size() && text[at + 1] == '\n';
  }
  return character == '\t' || character == '\n' || !text::is_control(character);
}

bool has_utf16_mark(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

void check_characters(Problems& problems) {
  const std::string_view text = problems.source().text();
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<text::CodePoint> character = text::decode_utf8(text, at);
    if (!character) {
      // One mistake in the encoding is seldom alone, and all have the same cause.
      problems.error(at, has_utf16_mark(text)
                             ? std::string("the file is in UTF-16: save it in UTF-8")
                             : "not valid UTF-8: the byte " + text::in_quotes(text.substr(at, 1)) +
                                   " cannot stand here");
      return;
    }
    if (character->value == 0) {
      // The same holds of these: in UTF-16, every other byte of plain text is one.
      problems.error(at,
                     "the control character '\\x00' is not allowed: if the file is in UTF-16, "
                     "save it in UTF-8");
      return;
    }
    if (!is_permitted(text, at, character->value)) {
      if (character->value == '\r') {
        // So it is of line ends.
        problems.error(at, "a carriage return that no line feed follows");
        return;
      }
      problems.error(at, "the control character " +
                             text::in_quotes(text.substr(at, character->length_bytes)) +
                             " is not allowed");
    }
    at += character->length_bytes;
  }
}

void check_indentation(Problems& problems) {
  const Source& source = problems.source();
  for (std::uint32_t number = 1; number <= source.line_count(); ++number) {
    const std::string_view line = source.line(number);
    const std::size_t tab = line.find('\t');
    const std::size_t content = line.find_first_not_of(kBlanks);
    if (content != std::string_view::npos && tab < content && line[content] != '#') {
      const auto start = static_cast<Offset>(line.data() - source.text().data());
      problems.error(start + tab, "a tab in the indentation: YAML is indented with spaces");
    }
  }
}

}  // namespace

bool check_yaml_text(Problems& problems) {
  if (problems.source().text().find_first_not_of(kBlanks) == std::string_view::npos) {
    problems.error(kNowhere, "the file is empty: it needs 'listeners' and 'sites' at least");
    return false;
  }
  check_characters(problems);
  check_indentation(problems);
  return !problems.has_errors();
}

}  // namespace sluiced::config
