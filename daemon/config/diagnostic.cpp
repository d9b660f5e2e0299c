#include "config/diagnostic.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/printable.hpp"

namespace sluiced::config {
namespace {

/// White space that takes as much room as the first `columns` - 1 characters of the line. Tabs are
/// kept, since only the terminal knows how wide they are.
std::string indentation_up_to(std::string_view line, std::uint32_t columns) {
  std::string out;
  for (std::size_t at = 0, column = 1; at < line.size() && column < columns; ++column) {
    const std::optional<text::CodePoint> character = text::decode_utf8(line, at);
    out += line[at] == '\t' ? '\t' : ' ';
    at += character ? character->length_bytes : 1;
  }
  return out;
}

/// A source line as it stands, but for what could act on a terminal.
std::string shown(std::string_view line) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    const std::optional<text::CodePoint> character = text::decode_utf8(line, at);
    const std::size_t length = character ? character->length_bytes : 1;
    if (line[at] == '\t' || (character && !text::is_control(character->value))) {
      out.append(line, at, length);
    } else {
      out += '?';
    }
    at += length;
  }
  return out;
}

}  // namespace

std::string format(const Diagnostic& diagnostic) {
  std::string out;
  if (!diagnostic.file.empty()) {
    text::append_printable(out, diagnostic.file);
    out += ':';
    if (diagnostic.place.known()) {
      out += std::to_string(diagnostic.place.line) + ':' + std::to_string(diagnostic.place.column) +
             ':';
    }
    out += ' ';
  }
  out += diagnostic.severity == Severity::kError ? "error: " : "warning: ";
  out += diagnostic.message;
  out += '\n';
  if (diagnostic.place.known() && !diagnostic.source_line.empty()) {
    out += shown(diagnostic.source_line) + '\n';
    out += indentation_up_to(diagnostic.source_line, diagnostic.caret) + "^\n";
  }
  return out;
}

std::string format(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    out += format(diagnostic);
  }
  return out;
}

}  // namespace sluiced::config
