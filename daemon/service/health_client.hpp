#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace sluiced::service {

/// Where a daemon is asked how it is.
struct HealthTarget {
  config::ListenAddress address;
  std::string path;  ///< Of the request: "/livez", "/readyz".
};

/// Reads `http://ADDRESS[:PORT][/PATH]` or `unix:/SOCKET`; `path` stands where the URL has none.
/// The error is a clause that says what is wrong. Names other than localhost are not looked up.
[[nodiscard]] std::expected<HealthTarget, std::string> parse_health_url(std::string_view url,
                                                                        std::string_view path);

/// The admin listener of a configuration, or why there is none to ask.
[[nodiscard]] std::expected<HealthTarget, std::string> health_target_of(
    const config::Config& config, std::string_view path);

/// Asks, and blocks until there is an answer or the time is up. What is returned is one line for
/// people: a value if the answer is 200, an error for everything else.
[[nodiscard]] std::expected<std::string, std::string> ask_health(const HealthTarget& target,
                                                                 std::chrono::milliseconds limit);

}  // namespace sluiced::service
