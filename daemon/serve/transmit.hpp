#pragma once

#include <string_view>

#include <sluice/task.hpp>

#include "serve/exchange.hpp"
#include "serve/outlet.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// Puts the content of the response behind its head in the output, if it is small and nothing has
/// to be waited for. True when all of the response is there.
[[nodiscard]] bool put_content_at_once(const Outlet& outlet, Exchange& exchange, bool head_only);

/// The response that is kept as a whole, where the one that has been decided is such; else nothing.
[[nodiscard]] std::string_view kept_response(const Exchange& exchange,
                                             const http::DateLine& date) noexcept;

/// Sends it; the head of the response is not in the output. True when all of it has gone; what has
/// not is in the output.
[[nodiscard]] bool send_kept_at_once(const Outlet& outlet, Exchange& exchange,
                                     std::string_view response);

/// Sends what is in the output as far as there is room. True when all of it has gone.
[[nodiscard]] bool send_output_at_once(const Outlet& outlet, OutputBuffer& output,
                                       int flags) noexcept;

/// Sends the output and a file behind it that is in the page cache. True when all has gone.
[[nodiscard]] bool send_file_at_once(const Outlet& outlet, Exchange& exchange);

/// Sends all that is in the output.
[[nodiscard]] sluice::Task<Cut> send_output(const Outlet& outlet, OutputBuffer& output, int flags);

/// Sends the output, which ends in the head of the response, and, unless `head_only`, all of the
/// content that has not gone yet. Returns why the content was cut short, if it was: the connection
/// cannot go on then.
[[nodiscard]] sluice::Task<Cut> transmit(const Outlet& outlet, Exchange& exchange, bool head_only);

}  // namespace sluiced::serve
