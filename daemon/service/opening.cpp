#include "service/opening.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "config/worker_count.hpp"
#include "files/sha256.hpp"
#include "service/access_log_files.hpp"
#include "service/control_socket.hpp"
#include "service/descriptors.hpp"
#include "service/privileges.hpp"
#include "service/ring_options.hpp"
#include "service/socket_store.hpp"

namespace sluiced::service {
namespace {

using Outcome = std::expected<void, StartError>;

Outcome bind_listeners(const config::Config& config, Opened& opened) {
  drop_stale_sockets(opened.manager, config, opened.inherited);
  auto intake = listen_on(config.listeners, opened.shard_count, opened.inherited);
  if (!intake) {
    return std::unexpected(std::move(intake.error()));
  }
  opened.intake = std::move(*intake);
  if (config.admin.listen) {
    config::Listener listener;
    listener.name = kAdminListener;
    listener.address = *config.admin.listen;
    listener.max_connections = kControlRingEntries;
    auto admin_intake = listen_on({listener}, 1, opened.inherited);
    if (!admin_intake) {
      return std::unexpected(std::move(admin_intake.error()));
    }
    opened.admin_intake = std::move(*admin_intake);
  }
  if (const auto left = opened.inherited.left(); !left.empty()) {
    return std::unexpected(nobody_listens(left.front()));
  }
  return {};
}

// The files of sockets are as if the user had made them, so that the user can remove them.
Outcome hand_over(const std::vector<OpenListener>& listeners, const User& user) {
  for (const OpenListener& listener : listeners) {
    const char* const path = listener.unix_path.c_str();
    if (!listener.unix_path.empty() && ::lchown(path, user.uid, user.gid) != 0) {
      const std::error_code error(errno, std::generic_category());
      return std::unexpected(StartError{
          cli::ExitCode::kOsError,
          fmt::format("cannot give the socket {} to {}: {}", path, user.name, error.message())});
    }
  }
  return {};
}

Outcome become_who_serves(const std::optional<User>& user, Opened& opened) {
  if (user) {
    if (auto handed_over = hand_over(opened.intake.listeners, *user); !handed_over) {
      return handed_over;
    }
    if (opened.admin_intake) {
      if (auto handed_over = hand_over(opened.admin_intake->listeners, *user); !handed_over) {
        return handed_over;
      }
    }
  }
  if (auto dropped = drop_privileges(user); !dropped) {
    return dropped;
  }
  opened.user = describe_user();
  if (is_root()) {
    opened.warnings.emplace_back(
        "serving as root, without its capabilities: --user NAME would leave the rest of its "
        "rights behind, too");
  }
  return {};
}

Outcome open_files(config::Config config, Opened& opened) {
  if (!opened.control_path.empty()) {
    auto socket = listen_for_control(opened.control_path);
    if (!socket) {
      return std::unexpected(std::move(socket.error()));
    }
    opened.control_socket = std::move(*socket);
  }
  auto sites = serve::SiteTable::open(std::move(config));
  if (!sites) {
    return std::unexpected(cannot_open(sites.error()));
  }
  opened.sites = std::move(*sites);
  auto logs = open_access_log_files(opened.sites->config(), opened.shard_count);
  if (!logs) {
    return std::unexpected(std::move(logs.error()));
  }
  opened.access_logs = std::move(*logs);
  return {};
}

Outcome confine(Opened& opened) {
  // What libraries read at first use, and keep: the time zone (of entries in zip archives), the
  // configuration of OpenSSL.
  ::tzset();
  files::Sha256OfFile::prepare();
  auto confinement = Confinement::enter(
      opened.sites->config(),
      {opened.config_file, opened.control_path, opened.manager.has_abstract_address()});
  if (!confinement) {
    return std::unexpected(std::move(confinement.error()));
  }
  opened.confinement = std::move(*confinement);
  if (!opened.confinement.lack().empty()) {
    opened.warnings.push_back(opened.confinement.lack());
  }
  return {};
}

}  // namespace

Opened::~Opened() {
  std::ranges::for_each(intake.listeners, remove_socket_file);
  if (admin_intake) {
    std::ranges::for_each(admin_intake->listeners, remove_socket_file);
  }
  if (control_socket) {
    ::unlink(control_path.c_str());
  }
}

std::expected<Opened, StartError> open(config::Config config, Inheritance inheritance) {
  const std::string wanted =
      inheritance.user.name.empty() ? config.runtime.user.value_or("") : inheritance.user.name;
  auto user = choose_user(wanted, inheritance.user.allow_root);
  if (!user) {
    return std::unexpected(std::move(user.error()));
  }
  Opened opened;
  opened.manager = std::move(inheritance.manager);
  opened.inherited = std::move(inheritance.sockets);
  opened.config_file = std::move(inheritance.config_file);
  opened.control_path = std::move(inheritance.control_path);
  opened.shard_count = config::worker_count(config.runtime);
  raise_open_file_limit(config.runtime.max_open_files);
  reserve_descriptor_table();
  raise_locked_memory_limit();
  Outcome outcome = bind_listeners(config, opened);
  if (outcome) {
    outcome = become_who_serves(*user, opened);
  }
  if (outcome) {
    outcome = open_files(std::move(config), opened);
  }
  if (outcome) {
    outcome = confine(opened);
  }
  if (!outcome) {
    return std::unexpected(std::move(outcome.error()));
  }
  return opened;
}

}  // namespace sluiced::service
