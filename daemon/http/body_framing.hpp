// The body of a request: how far it goes, and what of it is content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "http/protocol_error.hpp"
#include "http/request_head.hpp"

namespace sluiced::http {

/// Limits of a chunked body's overhead. How much content to take is the caller's to limit.
struct ChunkLimits {
  std::size_t extension_bytes = 256;         // Of one chunk.
  std::size_t extension_total_bytes = 4096;  // Of all chunks.
  std::size_t trailer_bytes = std::size_t{32} * 1024;
  std::size_t trailer_fields = 100;
};

/// Finds the content of a body, and its end, in whatever pieces the bytes arrive.
///
/// Content-Length (RFC 9112 section 6.2) and chunked (section 7.1) bodies. Chunked is read by the
/// letter: no bare LF, no blank after a size, at most 16 digits, extensions of valid grammar within
/// limits. Trailers have to be well-formed and within limits, and are then dropped: nothing that
/// comes after the content may change what a request means.
///
/// Nothing is allocated, and no byte is looked at twice.
class BodyDecoder {
 public:
  /// A decoder for the body that `head` announces.
  explicit BodyDecoder(const RequestHead& head, const ChunkLimits& limits = {});

  struct Step {
    std::size_t consumed = 0;  // Bytes of the input that belong to the body.
    std::string_view content;  // Content among them, a view into the input.
  };

  /// Takes bytes off the front of `input`, up to the end of the first piece of content. Call it
  /// again with what is left until nothing is, or done() holds: what is left then belongs to the
  /// next request. After an error the connection's framing is lost.
  std::expected<Step, ProtocolError> decode(std::string_view input);

  /// Whether the body has ended. True from the start for a request without one.
  bool done() const { return state_ == State::done; }

  /// Bytes of content so far.
  std::uint64_t content_bytes() const { return content_bytes_; }

 private:
  // Where in the grammar the next byte stands. "before" states follow optional blanks.
  enum class State : std::uint8_t {
    content,  // remaining_ bytes of content come next, in both framings.
    done,
    size_first_digit,
    size_digits,
    before_semicolon,
    before_extension_name,
    extension_name,
    before_equals,
    before_extension_value,
    extension_token,
    extension_quoted,
    extension_escaped,
    after_quoted,
    size_lf,
    content_cr,
    content_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
  };
  using Fault = std::optional<ProtocolError>;

  Step take_content(std::string_view input, std::size_t offset);
  Fault take(char c);
  Fault take_size(char c);
  Fault take_extension(char c);
  Fault take_extension_value(char c);
  Fault take_line_end(char c);
  Fault take_trailer(char c);
  Fault end_of_extension_part(char c);
  void end_of_size_line();

  ChunkLimits limits_;
  bool chunked_;
  State state_;
  std::uint8_t size_digits_ = 0;
  std::uint64_t remaining_ = 0;  // Content bytes to come: of the chunk, or of the body.
  std::uint64_t content_bytes_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t extension_total_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
};

}  // namespace sluiced::http
