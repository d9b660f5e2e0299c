#include "http/body_framing.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace sluiced::http {
namespace {

constexpr std::uint8_t kMaxSizeDigits = 16;  // What fits 64 bits.

/// qdtext and what may follow a backslash, RFC 9110 section 5.6.4.
bool is_quotable(char c) { return !is_control(c) || c == '\t'; }

}  // namespace

BodyDecoder::BodyDecoder(const RequestHead& head, const ChunkLimits& limits)
    : limits_(limits),
      chunked_(head.chunked),
      state_(head.chunked      ? State::size_first_digit
             : head.has_body() ? State::content
                               : State::done),
      remaining_(head.chunked ? 0 : head.content_length.value_or(0)) {}

std::expected<BodyDecoder::Step, ProtocolError> BodyDecoder::decode(std::string_view input) {
  std::size_t offset = 0;
  while (offset < input.size() && state_ != State::done) {
    if (state_ == State::content) return take_content(input, offset);
    if (const Fault fault = take(input[offset])) return std::unexpected(*fault);
    ++offset;
  }
  return Step{offset, {}};
}

BodyDecoder::Step BodyDecoder::take_content(std::string_view input, std::size_t offset) {
  const std::size_t available = input.size() - offset;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, available));
  remaining_ -= bytes;
  content_bytes_ += bytes;
  if (remaining_ == 0) state_ = chunked_ ? State::content_cr : State::done;
  return Step{offset + bytes, input.substr(offset, bytes)};
}

BodyDecoder::Fault BodyDecoder::take(char c) {
  switch (state_) {
    case State::size_first_digit:
    case State::size_digits:
      return take_size(c);
    case State::before_semicolon:
    case State::before_extension_name:
    case State::extension_name:
    case State::before_equals:
    case State::before_extension_value:
    case State::extension_token:
    case State::extension_quoted:
    case State::extension_escaped:
    case State::after_quoted: {
      if (++extension_bytes_ > limits_.extension_bytes ||
          ++extension_total_bytes_ > limits_.extension_total_bytes) {
        return ProtocolError::chunk_extension_too_large;
      }
      return take_extension(c);
    }
    case State::size_lf:
    case State::content_cr:
    case State::content_lf:
    case State::trailer_lf:
    case State::last_lf:
      return take_line_end(c);
    case State::trailer_first:
    case State::trailer_name:
    case State::trailer_value: {
      if (++trailer_bytes_ > limits_.trailer_bytes) return ProtocolError::trailers_too_large;
      return take_trailer(c);
    }
    case State::content:
    case State::done:
      break;
  }
  return std::nullopt;
}

// chunk-size = 1*HEXDIG, RFC 9112 section 7.1.
BodyDecoder::Fault BodyDecoder::take_size(char c) {
  const int digit = hex_digit_value(c);
  if (digit >= 0) {
    if (size_digits_ == kMaxSizeDigits) return ProtocolError::bad_chunk;
    ++size_digits_;
    remaining_ = (remaining_ << 4) | static_cast<std::uint64_t>(digit);
    state_ = State::size_digits;
    return std::nullopt;
  }
  if (state_ == State::size_first_digit) return ProtocolError::bad_chunk;
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (c == ';') {
    state_ = State::before_extension_name;
  } else if (is_blank(c)) {
    state_ = State::before_semicolon;
  } else {
    return ProtocolError::bad_chunk;
  }
  return std::nullopt;
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), section 7.1.1.
BodyDecoder::Fault BodyDecoder::take_extension(char c) {
  switch (state_) {
    case State::before_semicolon:
      if (is_blank(c)) return std::nullopt;
      if (c != ';') return ProtocolError::bad_chunk_extension;
      state_ = State::before_extension_name;
      return std::nullopt;
    case State::before_extension_name:
      if (is_blank(c)) return std::nullopt;
      if (!is_token_character(c)) return ProtocolError::bad_chunk_extension;
      state_ = State::extension_name;
      return std::nullopt;
    case State::extension_name:
      if (is_token_character(c)) return std::nullopt;
      if (c == '=') {
        state_ = State::before_extension_value;
        return std::nullopt;
      }
      if (is_blank(c)) {
        state_ = State::before_equals;
        return std::nullopt;
      }
      return end_of_extension_part(c);
    case State::before_equals:
      if (is_blank(c)) return std::nullopt;
      if (c != '=' && c != ';') return ProtocolError::bad_chunk_extension;
      state_ = c == '=' ? State::before_extension_value : State::before_extension_name;
      return std::nullopt;
    default:
      return take_extension_value(c);
  }
}

BodyDecoder::Fault BodyDecoder::take_extension_value(char c) {
  switch (state_) {
    case State::before_extension_value:
      if (is_blank(c)) return std::nullopt;
      if (c != '"' && !is_token_character(c)) return ProtocolError::bad_chunk_extension;
      state_ = c == '"' ? State::extension_quoted : State::extension_token;
      return std::nullopt;
    case State::extension_token:
      if (is_token_character(c)) return std::nullopt;
      return end_of_extension_part(c);
    case State::extension_quoted:
      if (c == '"') {
        state_ = State::after_quoted;
      } else if (c == '\\') {
        state_ = State::extension_escaped;
      } else if (!is_quotable(c)) {
        return ProtocolError::bad_chunk_extension;
      }
      return std::nullopt;
    case State::extension_escaped:
      if (!is_quotable(c)) return ProtocolError::bad_chunk_extension;
      state_ = State::extension_quoted;
      return std::nullopt;
    default:
      return end_of_extension_part(c);
  }
}

/// What may follow a complete extension: the end of the line, or another one.
BodyDecoder::Fault BodyDecoder::end_of_extension_part(char c) {
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (c == ';') {
    state_ = State::before_extension_name;
  } else if (is_blank(c)) {
    state_ = State::before_semicolon;
  } else {
    return ProtocolError::bad_chunk_extension;
  }
  return std::nullopt;
}

BodyDecoder::Fault BodyDecoder::take_line_end(char c) {
  if (state_ == State::content_cr) {
    if (c != '\r') return ProtocolError::bad_chunk;
    state_ = State::content_lf;
    return std::nullopt;
  }
  if (c != '\n') return ProtocolError::bare_cr;
  switch (state_) {
    case State::size_lf:
      end_of_size_line();
      break;
    case State::content_lf:
      state_ = State::size_first_digit;
      break;
    case State::trailer_lf:
      state_ = State::trailer_first;
      break;
    default:
      state_ = State::done;
      break;
  }
  return std::nullopt;
}

void BodyDecoder::end_of_size_line() {
  state_ = remaining_ == 0 ? State::trailer_first : State::content;
  size_digits_ = 0;
  extension_bytes_ = 0;
}

// trailer-section = *( field-line CRLF ), under the rules of a head's field lines.
BodyDecoder::Fault BodyDecoder::take_trailer(char c) {
  switch (state_) {
    case State::trailer_first:
      if (c == '\r') {
        state_ = State::last_lf;
        return std::nullopt;
      }
      if (!is_token_character(c)) return ProtocolError::bad_trailer;
      if (++trailer_fields_ > limits_.trailer_fields) return ProtocolError::trailers_too_large;
      state_ = State::trailer_name;
      return std::nullopt;
    case State::trailer_name:
      if (is_token_character(c)) return std::nullopt;
      if (c != ':') return ProtocolError::bad_trailer;
      state_ = State::trailer_value;
      return std::nullopt;
    default:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return std::nullopt;
      }
      if (c == '\n') return ProtocolError::bare_lf;
      return is_quotable(c) ? Fault() : Fault(ProtocolError::bad_trailer);
  }
}

}  // namespace sluiced::http
