#pragma once

#include <string>
#include <system_error>

#include <sluice/capabilities.hpp>

#include "cli/exit_code.hpp"
#include "config/config.hpp"
#include "serve/site_table.hpp"

namespace sluiced::service {

/// Why the daemon cannot start: one sentence that names the culprit, and how the program ends.
struct StartError {
  cli::ExitCode code;
  std::string message;
};

/// There is no ring to be had.
[[nodiscard]] StartError no_ring(const sluice::SetupError& error);
/// A ring takes no buffers to receive into.
[[nodiscard]] StartError no_receive_buffers(const std::error_code& error);
/// A directory that is to be served cannot be opened.
[[nodiscard]] StartError cannot_open(const serve::SiteTable::RootError& failed);
/// A socket was handed over under a name that no listener has.
[[nodiscard]] StartError nobody_listens(const std::string& name);
/// The access log cannot be opened; names the place in the configuration.
[[nodiscard]] StartError cannot_open_log(const config::Config& config,
                                         const std::error_code& error);

}  // namespace sluiced::service
