#include "service/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <sluice/combinators.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/timer.hpp>

#include "cli/build_info.hpp"
#include "config/worker_count.hpp"
#include "service/supervision.hpp"

namespace sluiced::service {
namespace {

constexpr unsigned kMostCompletionEntries = 65536;  // IORING_MAX_CQ_ENTRIES
constexpr unsigned kControlRingEntries = 256;
// How long the access log is waited for in the end, when nobody reads the pipe it goes into.
constexpr sluice::Duration kLogFlushLimit = std::chrono::seconds(1);

std::size_t connections_per_shard(const std::vector<config::Listener>& listeners,
                                  unsigned shard_count) noexcept {
  std::size_t total = 0;
  for (const config::Listener& listener : listeners) {
    total += listener.max_connections;
  }
  return (total + shard_count - 1) / shard_count;
}

// Each connection has one operation in flight. As much again is kept for what is not a connection's
// own: a ring whose completion queue is full of idle receives would have no room for a read.
sluice::RingOptions ring_options(const config::Config& config, unsigned shard_count) noexcept {
  const std::size_t connections = connections_per_shard(config.listeners, shard_count);
  sluice::RingOptions options;
  options.submission_entries = config.runtime.ring_entries;
  options.completion_entries = static_cast<unsigned>(
      std::min<std::size_t>(std::bit_ceil(2 * connections + 1024), kMostCompletionEntries));
  return options;
}

sluice::Task<void> keep_log(observe::AccessLog& log, sluice::CancelScope& scope) {
  co_await log.run().within(scope);
}

}  // namespace

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
      new Daemon(std::move(*sites), signals, std::move(inheritance.manager), logger));
  if (auto rings = daemon->start_rings(shard_count); !rings) {
    return std::unexpected(std::move(rings.error()));
  }
  if (auto listening = daemon->start_listeners(shard_count, inheritance.sockets); !listening) {
    return std::unexpected(std::move(listening.error()));
  }
  if (auto opened = daemon->open_access_logs(shard_count); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  daemon->limit_connections(shard_count);
  daemon->start_admin();
  return daemon;
}

Daemon::Daemon(std::shared_ptr<const serve::SiteTable> sites, const sluice::SignalSet& signals,
               ServiceManager manager, log::Logger& logger)
    : sites_(std::move(sites)), signals_(signals), manager_(std::move(manager)), logger_(logger) {}

Daemon::~Daemon() {
  if (shards_) {
    shards_->stop(true);
    shards_->join();
  }
  for (const auto& intake : {&intake_, admin_intake_ ? &*admin_intake_ : nullptr}) {
    if (intake != nullptr) {
      for (const std::string& path : intake->unix_paths) {
        ::unlink(path.c_str());
      }
    }
  }
}

std::expected<void, StartError> Daemon::start_rings(unsigned shard_count) {
  auto ring = sluice::KernelRing::create(
      {.submission_entries = kControlRingEntries, .completion_entries = 4 * kControlRingEntries});
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

std::expected<void, StartError> Daemon::start_listeners(unsigned shard_count,
                                                        InheritedSockets& inherited) {
  auto intake = listen_on(config().listeners, shard_count, inherited);
  if (!intake) {
    return std::unexpected(std::move(intake.error()));
  }
  intake_ = std::move(*intake);
  if (config().admin.listen) {
    config::Listener listener;
    listener.name = "admin";
    listener.address = *config().admin.listen;
    listener.max_connections = kControlRingEntries;
    auto admin_intake = listen_on({listener}, 1, inherited);
    if (!admin_intake) {
      return std::unexpected(std::move(admin_intake.error()));
    }
    admin_intake_ = std::move(*admin_intake);
  }
  if (const auto left = inherited.left(); !left.empty()) {
    return std::unexpected(nobody_listens(left.front()));
  }
  return {};
}

std::expected<void, StartError> Daemon::open_access_logs(unsigned shard_count) {
  const auto& target = config().log.access.target;
  for (unsigned index = 0; target && index < shard_count; ++index) {
    auto fd = observe::AccessLog::open_target(*target);
    if (!fd) {
      return std::unexpected(cannot_open_log(config(), fd.error()));
    }
    access_log_fds_.push_back(std::move(*fd));
  }
  return {};
}

void Daemon::limit_connections(unsigned shard_count) {
  const config::Limits& limits = config().limits;
  const std::size_t possible = most_connections(config().runtime);
  std::size_t wanted = connections_per_shard(config().listeners, 1);
  if (limits.max_connections) {
    wanted = std::min<std::size_t>(wanted, *limits.max_connections);
  }
  if (possible < wanted) {
    logger_.warn(
        fmt::format("the limit of open files allows {} connections, and not {}", possible, wanted));
  }
  const auto total =
      std::make_shared<serve::ConnectionLimit>(std::min(possible, wanted), shard_count);
  for (auto& sockets : intake_.by_shard) {
    for (serve::ListeningSocket& socket : sockets) {
      socket.total = total;
    }
  }
  if (limits.max_connections_per_address) {
    addresses_ = std::make_unique<serve::AddressLimit>(*limits.max_connections_per_address);
  }
}

void Daemon::start_admin() {
  std::vector<admin::ShardSource> sources;
  for (unsigned index = 0; index < shards_->size(); ++index) {
    for (const serve::ListeningSocket& socket : intake_.by_shard[index]) {
      accept_queues_.watch(config().listeners[socket.listener].name, std::to_string(index),
                           socket.fd.get());
    }
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
                         [this] { return draining_.load(); }, &accept_queues_});
  admin_handler_ = std::make_unique<admin::AdminHandler>(config().admin, *page_,
                                                         [this] { return draining_.load(); });
  admin_server_ = std::make_unique<serve::Server>(*executor_, *admin_handler_, config(),
                                                  config().listeners, admin_metrics_);
}

std::string Daemon::describe() const {
  std::string lines;
  for (std::size_t index = 0; index < intake_.urls.size(); ++index) {
    lines +=
        fmt::format("Listening on {} ({})\n", intake_.urls[index], config().listeners[index].name);
  }
  if (admin_intake_) {
    const config::Admin& admin = config().admin;
    lines += fmt::format("Admin on {} ({}{}{})\n", admin_intake_->urls.front(),
                         admin.metrics ? "/metrics" : "", admin.metrics && admin.health ? " " : "",
                         admin.health ? "/livez /readyz" : "");
  }
  return lines;
}

void Daemon::start_workers() {
  workers_running_ = workers_.size();
  for (unsigned index = 0; index < workers_.size(); ++index) {
    shards_->post(
        index, [this, index, &worker = *workers_[index],
                sockets = std::move(intake_.by_shard[index])](sluice::Shard& shard) mutable {
          worker.cache = std::make_unique<files::FileCache>(
              shard.executor(), cache_options(config().runtime, shards_->size()),
              worker.metrics.file_cache);
          worker.handler = std::make_unique<serve::FileHandler>(sites_, *worker.cache,
                                                                *blocking_pool_, worker.metrics);
          if (!access_log_fds_.empty()) {
            worker.access_log = std::make_unique<observe::AccessLog>(
                config().log.access, std::move(access_log_fds_[index]), worker.metrics.access_log);
          }
          worker.server =
              std::make_unique<serve::Server>(shard.executor(), *worker.handler, config(),
                                              config().listeners, worker.metrics, extras_of(index));
          shard.executor().spawn(run_worker(worker, std::move(sockets)));
        });
  }
}

serve::ServerExtras Daemon::extras_of(unsigned index) {
  serve::ServerExtras extras;
  extras.addresses = addresses_.get();
  extras.access_log = workers_[index]->access_log.get();
  if (workers_.size() > 1) {
    extras.ask_another = [this, index](std::optional<std::size_t> listener) {
      ask_another(index, listener);
    };
  }
  return extras;
}

// On shard `index`, whose own connections all make progress: each call asks the next of the others.
void Daemon::ask_another(unsigned index, std::optional<std::size_t> listener) {
  const auto count = static_cast<unsigned>(workers_.size());
  unsigned& asked = workers_[index]->asked_last;
  asked = (asked + 1) % count == index ? (asked + 2) % count : (asked + 1) % count;
  shards_->post(asked, [&worker = *workers_[asked], listener](sluice::Shard&) {
    if (worker.server) {
      worker.server->give_way(listener);
    }
  });
}

sluice::Task<void> Daemon::run_worker(Worker& worker, std::vector<serve::ListeningSocket> sockets) {
  sluice::TaskScope watching(co_await sluice::current_context());
  watching.spawn(worker.cache->follow_changes());
  // Under no scope but its own: what is cut at a stop is logged, too.
  const sluice::TaskContext context = co_await sluice::current_context();
  sluice::Deadline log_limit({context.executor, nullptr});
  sluice::TaskScope logging(context);
  if (worker.access_log) {
    logging.spawn(keep_log(*worker.access_log, log_limit.scope()));
  }
  co_await worker.server->run(std::move(sockets));
  if (worker.access_log) {
    worker.access_log->finish();
    log_limit.set(context.executor->now() + kLogFlushLimit);
  }
  co_await logging.join();
  watching.cancel();
  co_await watching.join();
  worker.report_done();
}

std::int64_t Daemon::open_connections() const noexcept {
  std::int64_t open = 0;
  for (const auto& worker : workers_) {
    for (const sluice::Gauge& in_state : worker->metrics.connections) {
      open += in_state.value();
    }
  }
  return open;
}

void Daemon::worker_done() noexcept {
  if (--workers_running_ == 0) {
    workers_done_.set();
  }
}

void Daemon::run() {
  logger_.info(fmt::format("serving with {} shards", shards_->size()));
  start_workers();
  executor_->spawn(control());
  executor_->run();
  shards_->stop(false);
  shards_->join();
  logger_.info("stopped");
}

sluice::Task<void> Daemon::control() {
  sluice::TaskScope admin_scope(co_await sluice::current_context());
  if (admin_intake_) {
    admin_scope.spawn(admin_server_->run(std::move(admin_intake_->by_shard.front())));
  }
  admin_scope.spawn(feed_watchdog(manager_, *shards_));
  manager_.ready(fmt::format("serving with {} shards", shards_->size()));
  const int signal = co_await next_stop_signal();
  draining_ = true;
  manager_.stopping("draining");
  logger_.info(
      fmt::format("stopping on {}: no new connections, running responses may finish",
                  signal != 0 ? ::strsignal(signal) : "an error of the signal descriptor"));
  for (unsigned index = 0; index < workers_.size(); ++index) {
    shards_->post(index,
                  [&worker = *workers_[index]](sluice::Shard&) { worker.server->begin_drain(); });
  }
  admin_scope.spawn(report_draining(manager_, [this] {
    return fmt::format("draining, open connections: {}", open_connections());
  }));
  const bool drained = co_await await_drained();
  if (!drained) {
    for (unsigned index = 0; index < workers_.size(); ++index) {
      shards_->post(index, [](sluice::Shard& shard) { shard.executor().stop(); });
    }
    co_await await_workers();
  }
  admin_scope.cancel();
  co_await admin_scope.join();
}

// SIGUSR1 means that the access log has been renamed; all others mean to stop. 0 after an error.
sluice::Task<int> Daemon::next_stop_signal() {
  while (true) {
    const auto signal = co_await signals_.next();
    if (!signal || *signal != SIGUSR1) {
      co_return signal.value_or(0);
    }
    for (unsigned index = 0; index < workers_.size(); ++index) {
      shards_->post(index, [&worker = *workers_[index]](sluice::Shard&) {
        if (worker.access_log) {
          worker.access_log->reopen();
        }
      });
    }
  }
}

// Whether the connections ended by themselves: before `drain` was over, and before a second signal.
sluice::Task<bool> Daemon::await_drained() {
  const auto any =
      co_await sluice::when_any(await_workers(), await_drain_limit(), next_stop_signal());
  if (any.first != 0) {
    logger_.warn(any.first == 1 ? "stopping: the time for draining is over, connections are cut"
                                : "stopping: a second signal, connections are cut");
  }
  co_return any.first == 0;
}

sluice::Task<void> Daemon::await_workers() { static_cast<void>(co_await workers_done_.wait()); }

sluice::Task<void> Daemon::await_drain_limit() {
  const auto& limit = config().timeouts.drain;
  static_cast<void>(
      co_await sluice::sleep_until(limit ? executor_->now() + *limit : sluice::kNever));
}

}  // namespace sluiced::service
