// The head of an HTTP/1 request: an incremental, strict, allocation-free parser, and its result.
//
// Each call of parse() with what has come so far gives one of
//   0              the head is not complete: read more, call again;
//   a length       the head is that many bytes, and RequestHead is filled in;
//   ProtocolError  answer with its status, and close.
//
// Each byte is looked at once, however the head is cut into pieces, and each rule is applied as
// soon as the bytes that it needs are there: a TLS hello or a bare LF is refused at once, a bad
// line at its end. The verdict is the same for every way of cutting. What only the whole head can
// decide (Host, the body's framing, persistence) is decided once, in request_framing.cpp.
//
// Stricter than RFC 9112 asks a recipient to be, on purpose: bare LF, obs-fold, a blank before the
// colon, a list or a repetition of Content-Length, any Transfer-Encoding but "chunked", and a
// second empty line before the request are refused. Every one of them is read differently by
// somebody, and request smuggling lives on such differences.
//
// Written by hand, and not around the parser of Boost.Beast, because nearly every rule has to be
// ours anyway: Beast takes obs-fold (and puts the value into a buffer of its own), lists of
// lengths, any coding, any host and any target, and the scan that notices bad bytes at once has to
// go before it. With all that around it, it takes almost twice the time. It still gives a second
// opinion in the unit tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "http/authority.hpp"
#include "http/field_table.hpp"
#include "http/method.hpp"
#include "http/protocol_error.hpp"

namespace sluiced::http {

/// Limits of one head. Values above the kMax constants are cut down to them.
struct HeadLimits {
  static constexpr std::size_t kMaxRequestLineBytes = std::size_t{16} * 1024;
  static constexpr std::size_t kMaxFieldSectionBytes = std::size_t{47} * 1024;

  std::size_t request_line_bytes = std::size_t{8} * 1024;    // Without its CRLF.
  std::size_t field_section_bytes = std::size_t{32} * 1024;  // With the empty line that ends it.
  std::size_t fields = 100;                                  // At most FieldTable::kCapacity.
};

/// HTTP/1.2 and later minor versions are served as 1.1 (RFC 9110 section 2.5).
enum class Version : std::uint8_t { http_1_0, http_1_1 };

/// RFC 9112 section 3.2.
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

/// A request head. The views point into the buffer last given to the parser, and are good as long
/// as it is. Valid once the parser has returned the length of a head; about 1.3 KiB, so reuse one.
struct RequestHead {
  Method method = Method::other;
  Version version = Version::http_1_1;
  TargetForm form = TargetForm::origin;
  bool chunked = false;          // The body is in chunks; content_length is empty then.
  bool expect_continue = false;  // The client waits for 100 before it sends the body it announced.
  bool keep_alive = false;       // The client allows another request after this one.
  std::string_view method_text;  // For `other` methods, and for the log.
  std::string_view target;       // As received, for the log.
  std::string_view resource;     // Path and query of the target, what normalise_target() takes.
  std::optional<Authority> authority;           // Empty only in HTTP/1.0.
  std::optional<std::uint64_t> content_length;  // As announced; the length of the body if present.
  FieldTable fields;

  /// Whether a body follows the head.
  bool has_body() const { return chunked || content_length.value_or(0) != 0; }
};

/// Parses heads, one after another. Holds a few positions only, no part of the text.
class RequestHeadParser {
 public:
  explicit RequestHeadParser(const HeadLimits& limits) { set_limits(limits); }

  /// Of the heads that follow: before the first byte of a request only.
  void set_limits(const HeadLimits& limits) noexcept;
  /// Forgets the head so far. Call it before the first byte of each request but the first.
  void reset();

  /// Goes on where the last call ended. `received` is everything that came since reset(), from the
  /// first byte of the request; it may have moved since the last call, and may hold more than the
  /// head. `head` is the same object in each call for one request. Returns the bytes of the head, 0
  /// while it is not complete. After an error only reset() makes sense.
  std::expected<std::size_t, ProtocolError> parse(std::string_view received, RequestHead& head);

  /// Whether anything of a request has come: tells an idle connection from a slow one.
  bool has_begun() const { return scanned_ != 0; }

 private:
  enum class Section : std::uint8_t { request_line, fields };

  void take_usual_request_line(std::string_view received, RequestHead& head);
  std::optional<ProtocolError> check_line_start(char first) const;
  std::optional<ProtocolError> check_length(std::size_t position) const;
  std::optional<ProtocolError> take_line(std::string_view line, RequestHead& head);
  std::optional<ProtocolError> take_request_line(std::string_view line, RequestHead& head);
  std::optional<ProtocolError> take_field_line(std::string_view line, RequestHead& head) const;
  std::expected<std::size_t, ProtocolError> finish(std::string_view received,
                                                   RequestHead& head) const;

  std::uint16_t request_line_limit_ = 0;
  std::uint16_t field_section_limit_ = 0;
  std::uint16_t field_limit_ = 0;
  Section section_ = Section::request_line;
  std::uint32_t scanned_ = 0;        // Everything before it has been looked at.
  std::uint32_t line_start_ = 0;     // Where the line that is being received begins.
  std::uint32_t section_start_ = 0;  // Where the field section begins.
  std::uint16_t method_position_ = 0;
  std::uint16_t method_bytes_ = 0;
  std::uint16_t target_position_ = 0;
  std::uint16_t target_bytes_ = 0;
};

/// Parses a head that is there as a whole: one parse() of a fresh parser.
std::expected<std::size_t, ProtocolError> parse_request_head(std::string_view text,
                                                             const HeadLimits& limits,
                                                             RequestHead& head);

}  // namespace sluiced::http
