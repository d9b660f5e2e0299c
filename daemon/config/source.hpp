#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"

namespace sluiced::config {

/// Where something stands in a source, as the number of bytes before it. Places (line and column)
/// are worked out only for what is shown, because counting characters costs time.
using Offset = std::size_t;
constexpr Offset kNowhere = static_cast<Offset>(-1);

/// A text with a name, which knows its lines. Lines end in LF or CRLF.
class Source {
 public:
  Source() = default;
  /// `name` is what messages call the text: the path of the file. A byte-order mark at the start of
  /// the text is dropped.
  Source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::uint32_t line_count() const noexcept;
  /// Line `number` (from 1) without its end; empty when there is none.
  [[nodiscard]] std::string_view line(std::uint32_t number) const noexcept;
  /// The number of the line (from 1) that holds a byte; 0 for kNowhere.
  [[nodiscard]] std::uint32_t line_at(Offset offset) const noexcept;
  /// The place of a byte. At the end of the text that is the end of the last line which is not
  /// blank, because nobody looks for a mistake on the empty line below a file.
  [[nodiscard]] Place place_at(Offset offset) const noexcept;

  [[nodiscard]] Diagnostic diagnostic(Severity severity, Offset offset, std::string message) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

/// Where the values of a Config were written. Values are named by their path, as in
/// `sites[0].mounts[1].root`; one that was not given, or was refused, has no place.
class Places {
 public:
  void set(std::string path, Offset offset) { by_path_.insert_or_assign(std::move(path), offset); }
  /// Notes that a value was given that could not be used, and that its default stands in for it.
  void set_refused(std::string path) { set(std::move(path), kNowhere); }

  [[nodiscard]] Offset find(std::string_view path) const noexcept;
  [[nodiscard]] bool has(std::string_view path) const noexcept { return find(path) != kNowhere; }
  [[nodiscard]] bool was_refused(std::string_view path) const noexcept;

 private:
  std::map<std::string, Offset, std::less<>> by_path_;
};

/// What a Config was read from; kept so that a check made later can still point at the line.
struct Origin {
  Source source;
  Places places;
};

/// Collects what is wrong with one source. The number kept is bounded, so that a file full of
/// mistakes costs neither memory nor pages of output.
class Problems {
 public:
  static constexpr std::size_t kMostKept = 100;

  explicit Problems(const Source& source) noexcept : source_(source) {}

  void error(Offset offset, std::string message) {
    add(Severity::kError, offset, std::move(message));
  }
  void warning(Offset offset, std::string message) {
    add(Severity::kWarning, offset, std::move(message));
  }
  [[nodiscard]] const Source& source() const noexcept { return source_; }

  [[nodiscard]] bool has_errors() const noexcept { return has_errors_; }
  /// Everything found so far, in the order of the source; what has no place comes first.
  [[nodiscard]] std::vector<Diagnostic> take();

 private:
  void add(Severity severity, Offset offset, std::string message);

  const Source& source_;
  std::vector<Diagnostic> found_;  ///< Sorted by place.
  std::size_t not_kept_ = 0;
  bool has_errors_ = false;
};

}  // namespace sluiced::config
