#pragma once

#include <string_view>

#include <sluice/task.hpp>

#include "serve/exchange.hpp"
#include "serve/outlet.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// Sends a rendered head and, unless `head_only`, the content of `response`. `head` lies at the
/// beginning of `exchange.output`; the room behind it is used for small contents. Returns why the
/// content was cut short, if it was: the connection cannot go on then.
[[nodiscard]] sluice::Task<Cut> transmit(Outlet outlet, Exchange& exchange, std::string_view head,
                                         bool head_only);

}  // namespace sluiced::serve
