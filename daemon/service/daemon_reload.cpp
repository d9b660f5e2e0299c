// How the daemon goes over to a new configuration while it serves.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "service/daemon.hpp"
#include "service/socket_store.hpp"

namespace sluiced::service {
namespace {

StartError stopping() {
  return {cli::ExitCode::kUnavailable, "sluiced is stopping, the configuration is not read again"};
}

StartError no_file() {
  return {cli::ExitCode::kUsage,
          "sluiced was started without a configuration file, there is nothing to read again"};
}

// The log escapes the ends of lines within a message.
template <class Write>
void write_lines(std::string_view text, Write write) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    write(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view first_line(std::string_view text) noexcept {
  return text.substr(0, text.find('\n'));
}

bool is_in(const std::vector<OpenListener>& listeners, std::size_t id) {
  return std::ranges::find(listeners, id, &OpenListener::id) != listeners.end();
}

}  // namespace

sluice::Task<ControlAnswer> Daemon::reload() {
  const auto lock = co_await reload_lock_.lock();
  if (!lock || draining_) {
    co_return ControlAnswer{stopping().code, stopping().message + "\n"};
  }
  manager_.reloading();
  auto prepared = co_await prepare();
  if (!prepared) {
    co_return report(std::unexpected(std::move(prepared.error())), {});
  }
  co_await forget_gone(*prepared);
  if (draining_) {
    remove_added(listeners_, prepared->listeners);
    inherited_ = InheritedSockets();
    co_return report(std::unexpected(stopping()), {});
  }
  change_limits(*prepared);
  note_listeners(*prepared);
  const std::vector<std::string> notices = std::move(prepared->notices);
  co_await switch_to(std::move(*prepared));
  co_return report({}, notices);
}

sluice::Task<std::expected<PreparedReload, StartError>> Daemon::prepare() {
  if (config_file_.empty()) {
    co_return std::unexpected(no_file());
  }
  const Running running{config_file_, *sites_,         confinement_,     listeners_,
                        inherited_,   shards_->size(), next_listener_id_};
  auto prepare_now = [&running] { return prepare_reload(running); };
  auto prepared = co_await blocking_pool_->run(std::move(prepare_now));
  if (!prepared) {
    co_return std::unexpected(StartError{
        cli::ExitCode::kOsError, "too much is waiting for a disk to read the configuration again"});
  }
  co_return std::move(*prepared);
}

// While the shards still accept: once the manager has closed its copies of the sockets, those are
// gone with the shards' own, and nobody gets into a queue that is never read again.
sluice::Task<void> Daemon::forget_gone(const PreparedReload& prepared) {
  std::vector<OpenListener> gone;
  std::ranges::copy_if(listeners_, std::back_inserter(gone), [&](const OpenListener& listener) {
    return !is_in(prepared.listeners, listener.id);
  });
  if (!forget_sockets(manager_, gone)) {
    co_return;
  }
  auto settle = [this] {
    manager_.settle();
    return true;
  };
  static_cast<void>(co_await blocking_pool_->run(std::move(settle)));
}

// What all shards count in. Who is connected stays, whatever the new limit is.
void Daemon::change_limits(PreparedReload& prepared) {
  const config::Config& config = prepared.sites->config();
  total_->set_most(allowed_connections(config, prepared.notices));
  for (const OpenListener& listener : prepared.listeners) {
    listener.limit->set_most(listener.options.max_connections);
  }
  for (auto& sockets : prepared.added) {
    for (serve::ListeningSocket& socket : sockets) {
      socket.total = total_;
    }
  }
  if (const auto& most = config.limits.max_connections_per_address) {
    if (addresses_) {
      addresses_->set_most(*most);
    } else {
      addresses_ = std::make_unique<serve::AddressLimit>(*most);
    }
  }
}

// Which listeners come and go.
void Daemon::note_listeners(PreparedReload& prepared) const {
  for (const OpenListener& listener : listeners_) {
    if (!is_in(prepared.listeners, listener.id)) {
      prepared.notices.push_back(
          fmt::format("No longer listening on {} ({})", listener.url, listener.options.name));
    }
  }
  for (const OpenListener& listener : prepared.listeners) {
    if (!is_in(listeners_, listener.id)) {
      prepared.notices.push_back(
          fmt::format("Listening on {} ({})", listener.url, listener.options.name));
    }
  }
}

sluice::Task<void> Daemon::switch_to(PreparedReload prepared) {
  const config::Config& config = prepared.sites->config();
  std::vector<serve::ListenerPlace> places;
  for (const OpenListener& listener : prepared.listeners) {
    serve::ListenerPlace& place = places.emplace_back();
    place.id = listener.id;
    place.name = listener.options.name;
    const auto before = std::ranges::find(listeners_, listener.id, &OpenListener::id);
    if (before != listeners_.end() && !listener.is_inherited &&
        before->options.backlog != listener.options.backlog) {
      place.backlog = static_cast<int>(listener.options.backlog);
    }
  }
  store_sockets(manager_, prepared.listeners, prepared.added);
  for (unsigned index = 0; index < workers_.size(); ++index) {
    Worker& worker = *workers_[index];
    watch_accept_queues(prepared.added[index], index);
    auto change = [this, &worker, &prepared, &places, &config, index](sluice::Shard&) {
      serve::ServerUpdate update;
      update.handler = make_handler(worker, prepared.sites);
      update.limits = config.limits;
      update.timeouts = config.timeouts;
      update.listeners = places;
      update.added = std::move(prepared.added[index]);
      update.addresses = config.limits.max_connections_per_address ? addresses_.get() : nullptr;
      if (prepared.log_files) {
        worker.log.replace(make_log(worker, config.log.access, *prepared.log_files, index));
      }
      update.access_log = worker.log.current();
      worker.server->apply(std::move(update));
    };
    co_await shards_->submit_to(index, std::move(change));
  }
  admin_options_.metrics = config.admin.metrics;
  admin_options_.health = config.admin.health;
  admin_options_.status = config.admin.status;
  logger_.set_level(static_cast<log::Level>(config.log.level));
  logger_.set_format(static_cast<log::Format>(config.log.format));
  std::erase_if(listeners_, [&prepared](const OpenListener& listener) {
    return is_in(prepared.listeners, listener.id);
  });
  std::ranges::for_each(listeners_, remove_socket_file);
  for (const OpenListener& listener : prepared.listeners) {
    next_listener_id_ = std::max(next_listener_id_, listener.id + 1);
  }
  listeners_ = std::move(prepared.listeners);
  sites_ = std::move(prepared.sites);
}

ControlAnswer Daemon::report(const std::expected<void, StartError>& outcome,
                             const std::vector<std::string>& notices) {
  ControlAnswer answer;
  if (outcome) {
    ++reloads_.succeeded;
    reloads_.last_success = std::chrono::system_clock::now();
    for (const std::string& notice : notices) {
      write_lines(notice, [&](std::string_view line) {
        logger_.warn(line);
        answer.text.append(line).append("\n");
      });
    }
    logger_.info("the configuration has been read again and is in use");
    answer.text += "the configuration has been read again and is in use\n";
  } else {
    ++reloads_.failed;
    answer.code = outcome.error().code;
    write_lines(outcome.error().message, [&](std::string_view line) {
      logger_.error(line);
      answer.text.append(line).append("\n");
    });
    logger_.error("the configuration was not taken over, the one before stays in use");
    answer.text += "the configuration was not taken over, the one before stays in use\n";
  }
  reloads_.last_succeeded = outcome.has_value();
  if (!draining_) {
    manager_.ready(outcome ? status()
                           : fmt::format("{}; the last reload failed: {}", status(),
                                         first_line(outcome.error().message)));
  }
  return answer;
}

// However often the signal came meanwhile, the file is read once more after the last.
sluice::Task<void> Daemon::follow_reload_signals() {
  while (true) {
    const auto wanted = co_await reload_wanted_.wait();
    if (!wanted) {
      co_return;
    }
    reload_wanted_.reset();
    static_cast<void>(co_await reload());
  }
}

sluice::Task<void> Daemon::serve_control_socket() {
  const ControlVerbs verbs = control_verbs();
  co_await serve_control(std::move(control_socket_), verbs);
}

}  // namespace sluiced::service
