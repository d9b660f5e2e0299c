#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sluice/task.hpp>

#include "observe/server_metrics.hpp"
#include "serve/body_source.hpp"
#include "serve/outlet.hpp"

namespace sluiced::serve {

/// Where content of unknown length ends (RFC 9112 section 6.3).
enum class StreamFraming : std::uint8_t {
  chunked,          // at the last chunk
  until_connection  // where the connection does: for clients of HTTP/1.0
};

/// Sends a rendered head and all that `source` yields. Returns why it was cut short, if it was; the
/// last chunk is missing then.
[[nodiscard]] sluice::Task<std::optional<observe::TransferCut>> transmit_stream(
    Outlet outlet, BodySource& source, std::string_view head, StreamFraming framing);

}  // namespace sluiced::serve
