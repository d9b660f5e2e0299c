// How the daemon comes up, as far as the first connection.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <latch>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <sluice/kernel_ring.hpp>

#include "service/build_facts.hpp"
#include "service/daemon.hpp"
#include "service/ring_options.hpp"
#include "service/socket_store.hpp"

namespace sluiced::service {
namespace {

constexpr int kMostTries = 100;
constexpr auto kBetweenTries = std::chrono::milliseconds(20);

bool is_out_of_memory(const sluice::SetupError& error) { return error.errno_value == ENOMEM; }
bool is_out_of_memory(const std::error_code& error) {
  return error == std::errc::not_enough_memory;
}

// Where memory is refused, tries for some time: what a process had locked is given back only a
// moment after its end, as at a restart.
template <typename Make>
auto make_patiently(Make make) {
  auto made = make();
  for (int tries = 1; tries < kMostTries && !made && is_out_of_memory(made.error()); ++tries) {
    std::this_thread::sleep_for(kBetweenTries);
    made = make();
  }
  return made;
}

sluice::Result<std::unique_ptr<sluice::ProvidedBuffers>> receive_buffers_of(
    sluice::Reactor& reactor, observe::ServerMetrics& metrics) {
  return make_patiently([&] { return serve::Server::make_receive_buffers(reactor, metrics); });
}

}  // namespace

std::expected<std::unique_ptr<Daemon>, StartError> Daemon::start(Opened opened,
                                                                 const sluice::SignalSet& signals,
                                                                 log::Logger& logger) {
  const unsigned shard_count = opened.shard_count;
  const std::string user = opened.user;
  const std::vector<std::string> warnings = std::move(opened.warnings);
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(opened), signals, logger));
  if (auto rings = daemon->start_rings(shard_count); !rings) {
    return std::unexpected(std::move(rings.error()));
  }
  daemon->log_confinement(user, warnings);
  daemon->limit_connections(shard_count);
  if (auto started = daemon->start_admin(); !started) {
    return std::unexpected(std::move(started.error()));
  }
  if (auto made = daemon->make_receive_buffers(); !made) {
    return std::unexpected(std::move(made.error()));
  }
  daemon->store_all_sockets();
  return daemon;
}

Daemon::Daemon(Opened opened, const sluice::SignalSet& signals, log::Logger& logger)
    : sites_(std::move(opened.sites)),
      signals_(signals),
      manager_(std::move(opened.manager)),
      inherited_(std::move(opened.inherited)),
      config_file_(std::move(opened.config_file)),
      control_path_(opened.control_path),
      control_socket_(std::move(opened.control_socket)),
      control_is_open_(static_cast<bool>(control_socket_)),
      confinement_(std::move(opened.confinement)),
      logger_(logger),
      sockets_by_shard_(std::move(opened.intake.by_shard)),
      listeners_(std::exchange(opened.intake.listeners, {})),
      next_listener_id_(listeners_.size()),
      admin_intake_(std::exchange(opened.admin_intake, std::nullopt)),
      access_log_fds_(std::move(opened.access_logs)),
      admin_options_(config().admin) {
  reloads_.last_success = std::chrono::system_clock::now();
}

void Daemon::log_confinement(const std::string& user,
                             const std::vector<std::string>& warnings) const {
  for (const std::string& warning : warnings) {
    logger_.warn(warning);
  }
  logger_.info(fmt::format("confined: {}, no capabilities; {}; rings restricted to {} operations",
                           user, confinement_.describe(), kOperationsInUse.size()));
}

std::expected<void, StartError> Daemon::start_rings(unsigned shard_count) {
  auto ring = make_patiently([] { return sluice::KernelRing::create(control_ring_options()); });
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
  auto shards = make_patiently([&options] { return sluice::ShardSet::start(options); });
  if (!shards) {
    return std::unexpected(no_ring(shards.error()));
  }
  shards_ = std::move(*shards);
  blocking_pool_ = std::make_unique<sluice::BlockingPool>(sluice::BlockingPoolOptions{});
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

std::expected<void, StartError> Daemon::start_admin() {
  for (unsigned index = 0; index < shards_->size(); ++index) {
    watch_accept_queues(sockets_by_shard_[index], index);
    workers_.push_back(std::make_unique<Worker>(*this));
    const sluice::Shard& shard = shards_->shard(index);
    sources_.push_back({std::to_string(index), &shard.reactor().metrics(),
                        &shard.executor().metrics(), &workers_.back()->metrics});
  }
  sources_.push_back({"control", &reactor_->metrics(), &executor_->metrics(), nullptr});
  page_ = std::make_unique<admin::MetricsPage>(
      sources_, build_facts(),
      admin::DaemonState{[this] { return logger_.dropped_total(); },
                         [this] { return draining_.load(); }, [this] { return reloads_; },
                         &accept_queues_});
  serve::HandlerRef handler(std::make_unique<admin::AdminHandler>(
      admin_options_, *page_, [this] { return draining_.load(); },
      [this] { return take_snapshot(); }));
  auto buffers = receive_buffers_of(*reactor_, admin_metrics_);
  if (!buffers) {
    return std::unexpected(no_receive_buffers(buffers.error()));
  }
  admin_server_ = std::make_unique<serve::Server>(*executor_, std::move(handler), config(),
                                                  admin_metrics_, std::move(*buffers));
  return {};
}

// Before anything is served, since the memory may be refused.
std::expected<void, StartError> Daemon::make_receive_buffers() {
  std::error_code failure;
  const auto on_each_shard = [this](auto&& act) {
    for (unsigned index = 0; index < shards_->size(); ++index) {
      std::latch done(1);
      shards_->post(index, [&act, &done, &worker = *workers_[index]](sluice::Shard& shard) {
        act(shard, worker);
        done.count_down();
      });
      done.wait();
    }
  };
  on_each_shard([&failure](sluice::Shard& shard, Worker& worker) {
    auto made = failure ? sluice::failure(failure.value())
                        : receive_buffers_of(shard.reactor(), worker.metrics);
    if (made) {
      worker.receive_buffers = std::move(*made);
    } else {
      failure = made.error();
    }
  });
  if (!failure) {
    return {};
  }
  on_each_shard([](sluice::Shard&, Worker& worker) { worker.receive_buffers.reset(); });
  return std::unexpected(no_receive_buffers(failure));
}

}  // namespace sluiced::service
