#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "cli/command_line.hpp"
#include "config/config.hpp"
#include "serve/site_table.hpp"
#include "service/confinement.hpp"
#include "service/inherited_sockets.hpp"
#include "service/listening.hpp"
#include "service/service_manager.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// What came with the process from whoever started it.
struct Inheritance {
  ServiceManager manager;
  InheritedSockets sockets;
  std::filesystem::path config_file{};   // what a reload reads; empty: there is none
  std::filesystem::path control_path{};  // of the control socket; empty: none
  cli::ServiceUser user{};
};

/// All that a daemon serves with and that has to be opened, by a process that has no rights left
/// but those it serves with.
struct Opened {
  Opened() = default;
  Opened(Opened&&) = default;
  Opened& operator=(Opened&&) = delete;
  /// Removes the files of sockets that nobody has taken out.
  ~Opened();

  std::shared_ptr<const serve::SiteTable> sites;
  ServiceManager manager;
  InheritedSockets inherited;
  std::filesystem::path config_file;
  std::filesystem::path control_path;
  unsigned shard_count = 0;
  Intake intake;
  std::optional<Intake> admin_intake;
  sluice::UniqueFd control_socket;
  std::vector<sluice::UniqueFd> access_logs;  // by shard
  Confinement confinement;
  std::string user;                   // "user sluice"
  std::vector<std::string> warnings;  // for the log, which is there only afterwards
};

/// The first half of a start, in the order that takes every right away as soon as it has been
/// used: with all of them binds the listeners; as the user who serves, and without capabilities,
/// makes the control socket, opens roots and logs; then confines the process. Blocks. On the main
/// thread, while there is no other: only threads that are made afterwards are confined, too.
[[nodiscard]] std::expected<Opened, StartError> open(config::Config config,
                                                     Inheritance inheritance);

}  // namespace sluiced::service
