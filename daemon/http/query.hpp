// The query of a target, as far as the daemon reads it.
#pragma once

#include <optional>
#include <string_view>

namespace sluiced::http {

/// The value of the first parameter `name` of "a=1&b=2", as it stands there; empty for a parameter
/// without '='. Nothing is decoded: every name and value that means anything here is plain.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name);

}  // namespace sluiced::http
