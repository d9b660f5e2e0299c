#include "service/start_error.hpp"

#include <fmt/format.h>

#include "config/source.hpp"
#include "text/printable.hpp"

namespace sluiced::service {

StartError no_ring(const sluice::SetupError& error) {
  return {cli::ExitCode::kUnavailable, error.explanation};
}

StartError no_receive_buffers(const std::error_code& error) {
  return {
      cli::ExitCode::kUnavailable,
      fmt::format("io_uring is not available: a ring takes no buffers to receive into: {}{}",
                  error.message(),
                  error == std::errc::not_enough_memory
                      ? ": all that this user may lock is in use: raise the limit ('ulimit -l', "
                        "LimitMEMLOCK= in the unit, --ulimit memlock= for a container) or run "
                        "fewer shards"
                      : "")};
}

StartError cannot_open(const serve::SiteTable::RootError& failed) {
  const bool is_permission = failed.error == std::errc::permission_denied;
  return {is_permission ? cli::ExitCode::kPermission : cli::ExitCode::kConfig,
          fmt::format("cannot open the root '{}': {}", failed.root, failed.error.message())};
}

StartError nobody_listens(const std::string& name) {
  return {
      cli::ExitCode::kConfig,
      fmt::format("the service manager handed over a socket named '{0}', but no listener is "
                  "called '{0}': name it after one with FileDescriptorName= in its .socket unit",
                  name)};
}

StartError cannot_open_log(const config::Config& config, const std::error_code& error) {
  std::string place;
  if (config.origin) {
    const config::Source& source = config.origin->source;
    const auto found = source.place_at(config.origin->places.find("log.access.target"));
    place = fmt::format("{}:{}:{}: ", source.name(), found.line, found.column);
  }
  return {cli::ExitCode::kConfig,
          fmt::format("{}cannot open the access log {}: {}", place,
                      text::in_quotes(*config.log.access.target, text::kLongestQuotedPath),
                      error.message())};
}

}  // namespace sluiced::service
