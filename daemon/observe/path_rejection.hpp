#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include "http/target.hpp"

namespace sluiced::observe {

/// Why the path of a request leads nowhere that may be served. That nothing is there is no reason.
enum class PathRejection : std::uint8_t {
  bad_target,     // no path at all, or a byte in it that no target holds
  bad_encoding,   // '%' without two hexadecimal digits
  encoded_nul,    // %00
  encoded_slash,  // %2F
  escape,         // leads out of the root: by "..", or by a link
  too_long,       // longer than a file system allows
  hidden,         // a name that begins with a dot
  symlink,        // a link where none is followed, or one that leads to itself
  not_regular,    // a FIFO, a socket, a device
};
inline constexpr std::array<std::string_view, 9> kPathRejectionNames = {
    "bad_target", "bad_encoding", "encoded_nul", "encoded_slash", "escape",
    "too_long",   "hidden",       "symlink",     "not_regular"};

constexpr PathRejection rejection_of(http::TargetError error) noexcept {
  switch (error) {
    case http::TargetError::not_absolute:
    case http::TargetError::forbidden_byte:
      break;
    case http::TargetError::bad_escape:
      return PathRejection::bad_encoding;
    case http::TargetError::encoded_nul:
      return PathRejection::encoded_nul;
    case http::TargetError::encoded_slash:
      return PathRejection::encoded_slash;
    case http::TargetError::above_root:
      return PathRejection::escape;
    case http::TargetError::component_too_long:
    case http::TargetError::too_long:
      return PathRejection::too_long;
  }
  return PathRejection::bad_target;
}

/// Of an error of openat2(2); nothing for those that say that nothing is there, or of the system.
inline std::optional<PathRejection> rejection_of(const std::error_code& error) noexcept {
  switch (error.value()) {
    case EXDEV:
      return PathRejection::escape;
    case ELOOP:
      return PathRejection::symlink;
    case ENAMETOOLONG:
      return PathRejection::too_long;
    case ENXIO:
    case ENODEV:
      return PathRejection::not_regular;
    default:
      return std::nullopt;
  }
}

}  // namespace sluiced::observe
