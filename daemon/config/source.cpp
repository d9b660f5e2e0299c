#include "config/source.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/printable.hpp"

namespace sluiced::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// How many characters `text` holds, counting a byte that is not UTF-8 as one.
std::uint32_t count_characters(std::string_view text) noexcept {
  std::uint32_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const std::optional<text::CodePoint> character = text::decode_utf8(text, at);
    at += character ? character->length_bytes : 1;
  }
  return count;
}

std::size_t offset_of_character(std::string_view text, std::uint32_t index) noexcept {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) {
    const std::optional<text::CodePoint> character = text::decode_utf8(text, at);
    at += character ? character->length_bytes : 1;
  }
  return at;
}

}  // namespace

Source::Source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  if (text_.starts_with(kByteOrderMark)) {
    text_.erase(0, kByteOrderMark.size());
  }
  line_starts_.push_back(0);
  for (std::size_t at = 0; at < text_.size(); ++at) {
    if (text_[at] == '\n' && at + 1 < text_.size()) {
      line_starts_.push_back(at + 1);
    }
  }
}

std::uint32_t Source::line_count() const noexcept {
  return static_cast<std::uint32_t>(line_starts_.size());
}

std::string_view Source::line(std::uint32_t number) const noexcept {
  if (number == 0 || number > line_count()) {
    return {};
  }
  const std::size_t start = line_starts_[number - 1];
  const std::size_t end = number < line_count() ? line_starts_[number] : text_.size();
  std::string_view line = text().substr(start, end - start);
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
  }
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

std::uint32_t Source::line_at(Offset offset) const noexcept {
  if (offset == kNowhere) {
    return 0;
  }
  const auto after = std::ranges::upper_bound(line_starts_, offset);
  return static_cast<std::uint32_t>(after - line_starts_.begin());
}

Place Source::place_at(Offset offset) const noexcept {
  if (offset == kNowhere || line_starts_.empty()) {
    return {};
  }
  if (offset >= text_.size()) {
    const std::size_t last = text_.find_last_not_of(" \t\r\n");
    offset = last == std::string::npos ? 0 : last + 1;
  }
  const std::uint32_t number = line_at(offset);
  const std::size_t start = line_starts_[number - 1];
  return {number, count_characters(text().substr(start, offset - start)) + 1};
}

Diagnostic Source::diagnostic(Severity severity, Offset offset, std::string message) const {
  // A line of a megabyte would hide the message: only what is around the place is kept.
  constexpr std::uint32_t most_before = 100;
  constexpr std::uint32_t most_shown = 200;
  Diagnostic out;
  out.file = name_;
  out.place = place_at(offset);
  out.severity = severity;
  out.message = std::move(message);
  if (!out.place.known()) {
    return out;
  }
  std::string_view rest = line(out.place.line);
  out.caret = out.place.column;
  if (out.caret > most_before + 1) {
    const std::uint32_t dropped = out.caret - most_before - 1;
    rest.remove_prefix(offset_of_character(rest, dropped));
    out.source_line = "...";
    out.caret = most_before + 1 + 3;
  }
  const std::size_t end = offset_of_character(rest, most_shown);
  out.source_line += rest.substr(0, end);
  if (end < rest.size()) {
    out.source_line += "...";
  }
  return out;
}

Offset Places::find(std::string_view path) const noexcept {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? kNowhere : found->second;
}

bool Places::was_refused(std::string_view path) const noexcept {
  const auto found = by_path_.find(path);
  return found != by_path_.end() && found->second == kNowhere;
}

void Problems::add(Severity severity, Offset offset, std::string message) {
  has_errors_ = has_errors_ || severity == Severity::kError;
  if (found_.size() >= kMostKept) {
    ++not_kept_;
    return;
  }
  Diagnostic found = source_.diagnostic(severity, offset, std::move(message));
  const auto behind = std::ranges::upper_bound(found_, found.place, {}, &Diagnostic::place);
  found_.insert(behind, std::move(found));
}

std::vector<Diagnostic> Problems::take() {
  if (not_kept_ > 0) {
    found_.push_back(source_.diagnostic(has_errors_ ? Severity::kError : Severity::kWarning,
                                        kNowhere, std::to_string(not_kept_) + " more not shown"));
    not_kept_ = 0;
  }
  return std::exchange(found_, {});
}

}  // namespace sluiced::config
