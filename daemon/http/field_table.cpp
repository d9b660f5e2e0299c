#include "http/field_table.hpp"

#include <cassert>

#include "http/characters.hpp"

namespace sluiced::http {

KnownField identify_field(std::string_view name) {
  const auto matches = [name](std::string_view lower) { return equals_ignoring_case(name, lower); };
  // The length leaves at most three candidates, and the first letter tells those apart.
  switch (name.size()) {
    case 4:
      if (matches("host")) return KnownField::host;
      break;
    case 5:
      if (matches("range")) return KnownField::range;
      break;
    case 6:
      if (matches("accept")) return KnownField::accept;
      if (matches("expect")) return KnownField::expect;
      if (matches("origin")) return KnownField::origin;
      break;
    case 7:
      if (matches("referer")) return KnownField::referer;
      break;
    case 8:
      if (matches("if-match")) return KnownField::if_match;
      if (matches("if-range")) return KnownField::if_range;
      break;
    case 10:
      if (matches("connection")) return KnownField::connection;
      if (matches("user-agent")) return KnownField::user_agent;
      break;
    case 12:
      if (matches("content-type")) return KnownField::content_type;
      break;
    case 13:
      if (matches("if-none-match")) return KnownField::if_none_match;
      if (matches("authorization")) return KnownField::authorization;
      if (matches("content-range")) return KnownField::content_range;
      break;
    case 14:
      if (matches("content-length")) return KnownField::content_length;
      break;
    case 15:
      if (matches("accept-encoding")) return KnownField::accept_encoding;
      break;
    case 16:
      if (matches("want-repr-digest")) return KnownField::want_repr_digest;
      break;
    case 17:
      if (matches("if-modified-since")) return KnownField::if_modified_since;
      if (matches("transfer-encoding")) return KnownField::transfer_encoding;
      break;
    case 19:
      if (matches("if-unmodified-since")) return KnownField::if_unmodified_since;
      if (matches("want-content-digest")) return KnownField::want_content_digest;
      break;
    case 29:
      if (matches("access-control-request-method")) {
        return KnownField::access_control_request_method;
      }
      break;
    default:
      break;
  }
  return KnownField::other;
}

void FieldTable::add(std::size_t name_position, std::size_t name_bytes, std::size_t value_position,
                     std::size_t value_bytes) {
  assert(size_ < kCapacity && name_bytes > 0 && name_bytes <= kMaxNameBytes);
  assert(value_position + value_bytes <= kMaxBufferBytes);
  const KnownField known = identify_field({buffer_ + name_position, name_bytes});
  if (known != KnownField::other) {
    const auto index = static_cast<std::size_t>(known);
    if (has(known)) {
      ++times_[index];
    } else {
      present_ |= KnownFields{1} << index;
      times_[index] = 1;
      first_[index] = static_cast<std::uint8_t>(size_);
    }
  }
  spans_[size_] =
      Span{static_cast<std::uint16_t>(name_position), static_cast<std::uint16_t>(value_position),
           static_cast<std::uint16_t>(value_bytes), static_cast<std::uint8_t>(name_bytes), known};
  ++size_;
}

FieldLine FieldTable::line(std::size_t index) const {
  assert(index < size_);
  const Span& span = spans_[index];
  return {{buffer_ + span.name_position, span.name_bytes}, value_of(span)};
}

}  // namespace sluiced::http
