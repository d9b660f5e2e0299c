// Which of several media types a client would rather have (RFC 9110 section 12.5.1).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "http/field_table.hpp"

namespace sluiced::http {

/// The place in `offered` of the type that the Accept fields prefer: by quality, then by how
/// exactly the type is named, then by its place in `offered`. Nothing when all are refused. Without
/// Accept the first. Parameters other than q are passed over, and so are members that are
/// malformed.
///
/// `offered` holds types in lower case, without parameters.
std::optional<std::size_t> preferred_media_type(const FieldTable& fields,
                                                std::span<const std::string_view> offered);

}  // namespace sluiced::http
