#pragma once

#include <system_error>

#include "http/status.hpp"

namespace sluiced::serve {

/// The status that tells a client of an error of openat2(2) or read(2).
[[nodiscard]] http::Status status_of(const std::error_code& error) noexcept;

}  // namespace sluiced::serve
