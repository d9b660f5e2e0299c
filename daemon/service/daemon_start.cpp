// How the daemon comes up, as far as the first connection.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <sluice/kernel_ring.hpp>

#include "cli/build_info.hpp"
#include "config/worker_count.hpp"
#include "service/access_log_files.hpp"
#include "service/daemon.hpp"
#include "service/ring_options.hpp"
#include "service/socket_store.hpp"

namespace sluiced::service {
std::expected<std::unique_ptr<Daemon>, StartError> Daemon::start(config::Config config,
                                                                 const sluice::SignalSet& signals,
                                                                 Inheritance inheritance,
                                                                 log::Logger& logger) {
  raise_open_file_limit(config.runtime.max_open_files);
  const unsigned shard_count = config::worker_count(config.runtime);
  auto sites = serve::SiteTable::open(std::move(config));
  if (!sites) {
    return std::unexpected(cannot_open(sites.error()));
  }
  std::unique_ptr<Daemon> daemon(
      new Daemon(std::move(*sites), signals, std::move(inheritance), logger));
  if (auto rings = daemon->start_rings(shard_count); !rings) {
    return std::unexpected(std::move(rings.error()));
  }
  if (auto listening = daemon->start_listeners(shard_count); !listening) {
    return std::unexpected(std::move(listening.error()));
  }
  auto log_files = open_access_log_files(daemon->config(), shard_count);
  if (!log_files) {
    return std::unexpected(std::move(log_files.error()));
  }
  daemon->access_log_fds_ = std::move(*log_files);
  daemon->limit_connections(shard_count);
  daemon->start_admin();
  daemon->store_all_sockets();
  return daemon;
}

Daemon::Daemon(std::shared_ptr<const serve::SiteTable> sites, const sluice::SignalSet& signals,
               Inheritance inheritance, log::Logger& logger)
    : sites_(std::move(sites)),
      signals_(signals),
      manager_(std::move(inheritance.manager)),
      inherited_(std::move(inheritance.sockets)),
      config_file_(std::move(inheritance.config_file)),
      control_path_(std::move(inheritance.control_path)),
      logger_(logger),
      admin_options_(config().admin) {
  reloads_.last_success = std::chrono::system_clock::now();
}

std::expected<void, StartError> Daemon::start_rings(unsigned shard_count) {
  auto ring = sluice::KernelRing::create(control_ring_options());
  if (!ring) {
    return std::unexpected(no_ring(ring.error()));
  }
  reactor_ = std::make_unique<sluice::Reactor>(std::move(*ring));
  executor_ = std::make_unique<sluice::Executor>(*reactor_);
  if (const auto enabled = executor_->enable_messages(); !enabled) {
    return std::unexpected(StartError{cli::ExitCode::kOsError,
                                      "cannot make an eventfd: " + enabled.error().message()});
  }
  sluice::ShardOptions options;
  options.count = shard_count;
  options.ring = ring_options(config(), shard_count);
  rings_allow_ = std::max(connections_of(options.ring.completion_entries) * shard_count,
                          connections_per_shard(config().listeners, 1));
  options.reactor.max_operations = 2 * options.ring.completion_entries;
  options.thread_name = "sluiced";
  auto shards = sluice::ShardSet::start(options);
  if (!shards) {
    return std::unexpected(no_ring(shards.error()));
  }
  shards_ = std::move(*shards);
  blocking_pool_ = std::make_unique<sluice::BlockingPool>(sluice::BlockingPoolOptions{});
  return {};
}

std::expected<void, StartError> Daemon::start_listeners(unsigned shard_count) {
  drop_stale_sockets(manager_, config(), inherited_);
  auto intake = listen_on(config().listeners, shard_count, inherited_);
  if (!intake) {
    return std::unexpected(std::move(intake.error()));
  }
  sockets_by_shard_ = std::move(intake->by_shard);
  listeners_ = std::move(intake->listeners);
  next_listener_id_ = listeners_.size();
  if (config().admin.listen) {
    config::Listener listener;
    listener.name = kAdminListener;
    listener.address = *config().admin.listen;
    listener.max_connections = kControlRingEntries;
    auto admin_intake = listen_on({listener}, 1, inherited_);
    if (!admin_intake) {
      return std::unexpected(std::move(admin_intake.error()));
    }
    admin_intake_ = std::move(*admin_intake);
  }
  if (const auto left = inherited_.left(); !left.empty()) {
    return std::unexpected(nobody_listens(left.front()));
  }
  if (!control_path_.empty()) {
    auto socket = listen_for_control(control_path_);
    if (!socket) {
      return std::unexpected(std::move(socket.error()));
    }
    control_socket_ = std::move(*socket);
    control_is_open_ = true;
  }
  return {};
}

// So that the next run has them, too, however this one ends.
void Daemon::store_all_sockets() const {
  store_sockets(manager_, listeners_, sockets_by_shard_);
  if (admin_intake_) {
    store_sockets(manager_, admin_intake_->listeners, admin_intake_->by_shard);
  }
  for (const OpenListener& listener : listeners_) {
    if (listener.kept_sockets != 0 && listener.kept_sockets < shards_->size()) {
      logger_.warn(fmt::format(
          "listener '{}' has {} sockets for {} shards, as it had before: stop sluiced and start it "
          "to spread connections evenly",
          listener.options.name, listener.kept_sockets, shards_->size()));
    }
  }
}

// As many as the configuration wants, and the system allows: `notices` is told of what it does not.
std::size_t Daemon::allowed_connections(const config::Config& config,
                                        std::vector<std::string>& notices) const {
  std::size_t wanted = connections_per_shard(config.listeners, 1);
  if (config.limits.max_connections) {
    wanted = std::min<std::size_t>(wanted, *config.limits.max_connections);
  }
  if (descriptors_allow_ < wanted) {
    notices.push_back(fmt::format("the limit of open files allows {} connections, and not {}",
                                  descriptors_allow_, wanted));
  }
  if (rings_allow_ < wanted) {
    notices.push_back(
        fmt::format("the rings were made for {} connections: restart sluiced to have {}",
                    rings_allow_, wanted));
  }
  return std::min({wanted, descriptors_allow_, rings_allow_});
}

void Daemon::limit_connections(unsigned shard_count) {
  descriptors_allow_ = most_connections(config().runtime);
  std::vector<std::string> notices;
  total_ =
      std::make_shared<serve::ConnectionLimit>(allowed_connections(config(), notices), shard_count);
  for (const std::string& notice : notices) {
    logger_.warn(notice);
  }
  for (auto& sockets : sockets_by_shard_) {
    for (serve::ListeningSocket& socket : sockets) {
      socket.total = total_;
    }
  }
  if (const auto& most = config().limits.max_connections_per_address) {
    addresses_ = std::make_unique<serve::AddressLimit>(*most);
  }
}

void Daemon::watch_accept_queues(const std::vector<serve::ListeningSocket>& sockets,
                                 unsigned shard) {
  for (const serve::ListeningSocket& socket : sockets) {
    accept_queues_.watch(socket.name, std::to_string(shard), socket.fd.get());
  }
}

void Daemon::start_admin() {
  std::vector<admin::ShardSource> sources;
  for (unsigned index = 0; index < shards_->size(); ++index) {
    watch_accept_queues(sockets_by_shard_[index], index);
    workers_.push_back(std::make_unique<Worker>(*this));
    const sluice::Shard& shard = shards_->shard(index);
    sources.push_back({std::to_string(index), &shard.reactor().metrics(),
                       &shard.executor().metrics(), &workers_.back()->metrics});
  }
  sources.push_back({"control", &reactor_->metrics(), &executor_->metrics(), nullptr});
  const cli::BuildInfo build = cli::build_info();
  page_ = std::make_unique<admin::MetricsPage>(
      std::move(sources),
      admin::BuildFacts{std::string(build.version), std::string(build.revision),
                        std::string(build.compiler), std::string(build.liburing)},
      admin::DaemonState{[this] { return logger_.dropped_total(); },
                         [this] { return draining_.load(); }, [this] { return reloads_; },
                         &accept_queues_});
  serve::HandlerRef handler(std::make_unique<admin::AdminHandler>(
      admin_options_, *page_, [this] { return draining_.load(); }));
  admin_server_ =
      std::make_unique<serve::Server>(*executor_, std::move(handler), config(), admin_metrics_);
}

}  // namespace sluiced::service
