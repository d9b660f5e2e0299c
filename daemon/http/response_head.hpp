// The head of a response, rendered straight into the buffer that is sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "http/characters.hpp"
#include "http/date.hpp"
#include "http/status.hpp"

namespace sluiced::http {

/// The interim response that asks for the body (RFC 9110 section 15.2.1). A whole message.
inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

/// A field name that was checked to be a token when the program was compiled.
class FieldName {
 public:
  template <std::size_t N>
  consteval FieldName(const char (&name)[N]) : text_(name, N - 1) {  // NOLINT: meant to convert
    if (!is_token(text_)) not_a_token();
  }
  constexpr std::string_view text() const { return text_; }

 private:
  static void not_a_token() {}  // Not constexpr: a call of it does not compile.
  std::string_view text_;
};

/// Whether `value` may stand in a field: no CR, LF, NUL or other control byte but tabs (RFC 9110
/// section 5.5). Whoever could put a line break there could write the rest of the response.
bool is_field_value(std::string_view value);

/// Field lines that are the same in many responses, checked and rendered once: the headers that a
/// configuration adds, for example.
class RenderedFields {
 public:
  /// Adds a line. Returns false, and adds nothing, if the name is no token or the value no value.
  [[nodiscard]] bool add(std::string_view name, std::string_view value);
  std::string_view text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  std::string text_;
};

/// The Date line. Its owner renders it anew when the second changes, not for each response.
class DateLine {
 public:
  explicit DateLine(UnixSeconds now);

  void update(UnixSeconds now);
  UnixSeconds time() const { return time_; }
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  static constexpr std::string_view kName = "Date: ";
  std::array<char, kName.size() + kHttpDateBytes + 2> text_;
  UnixSeconds time_ = 0;
};

enum class ResponseHeadError : std::uint8_t {
  buffer_full,    // the head does not fit the buffer
  refused_value,  // a value would have broken the head; a fault of this program, answer 500
};

/// Writes a response head into a buffer of the caller: status(), then fields, then finish().
///
/// Nothing is allocated. The first thing that goes wrong is remembered, everything after it does
/// nothing, and finish() returns it: so the steps need no checks, and no half head can be sent.
///
///   ResponseHeadWriter writer(buffer);
///   writer.status(Status::ok);
///   writer.date(date_line);
///   writer.field("Content-Length", size);
///   const auto head = writer.finish();
class ResponseHeadWriter {
 public:
  explicit ResponseHeadWriter(std::span<char> buffer);

  /// The status line. Always HTTP/1.1: it names the server's version (RFC 9110 section 6.2).
  void status(Status status);

  void field(FieldName name, std::string_view value);
  void field(FieldName name, std::uint64_t value);
  void date_field(FieldName name, UnixSeconds time);
  void fields(const RenderedFields& rendered) { put(rendered.text()); }
  /// A line that was checked when it was rendered (HeaderRules), its line break included.
  void rendered(std::string_view line) { put(line); }
  void date(const DateLine& line) { put(line.text()); }

  /// "Content-Range: bytes FIRST-LAST/LENGTH", for 206.
  void content_range(std::uint64_t first, std::uint64_t last, std::uint64_t length);
  /// "Content-Range: bytes */LENGTH", for 416.
  void unsatisfied_range(std::uint64_t length);

  /// Ends the head with its empty line and returns all of it, a view into the buffer.
  std::expected<std::string_view, ResponseHeadError> finish();

 private:
  void put(std::string_view text);
  void put_number(std::uint64_t value);
  void put_name(FieldName name);
  void put_line(FieldName name, std::string_view value);

  char* begin_;
  char* next_;
  char* end_;
  bool failed_ = false;
  ResponseHeadError error_ = ResponseHeadError::buffer_full;
};

/// A head that was rendered once and is sent again and again: what changes from one response to the
/// next, Date and Connection, is put in anew.
class RenderedHead {
 public:
  RenderedHead() = default;
  /// Takes a head over that begins with the status line and Date, and has no Connection field.
  explicit RenderedHead(std::string_view head);

  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// How long it is when it is written without a Connection field.
  [[nodiscard]] std::size_t bytes() const { return text_.size() + 2; }
  /// Where in it the Date line begins.
  [[nodiscard]] std::size_t date_position() const { return date_position_; }
  /// Writes it into `buffer`. `connection` is the line of that field, or nothing.
  [[nodiscard]] std::expected<std::string_view, ResponseHeadError> write(
      std::span<char> buffer, const DateLine& date, std::string_view connection) const;

 private:
  std::string text_;  // without the empty line at its end
  std::size_t date_position_ = 0;
};

}  // namespace sluiced::http
