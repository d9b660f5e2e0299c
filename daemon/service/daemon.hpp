#pragma once

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/blocking_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/reactor.hpp>
#include <sluice/shard.hpp>
#include <sluice/signal.hpp>
#include <sluice/sync.hpp>
#include <sluice/task.hpp>

#include "admin/accept_queues.hpp"
#include "admin/admin_handler.hpp"
#include "admin/metrics_page.hpp"
#include "observe/access_log.hpp"
#include "observe/log.hpp"
#include "observe/server_metrics.hpp"
#include "serve/file_handler.hpp"
#include "serve/server.hpp"
#include "serve/site_table.hpp"
#include "service/descriptors.hpp"
#include "service/inherited_sockets.hpp"
#include "service/listening.hpp"
#include "service/service_manager.hpp"

namespace sluiced::service {

/// What came with the process from whoever started it.
struct Inheritance {
  ServiceManager manager;
  InheritedSockets sockets;
};

/// The running daemon: shards that serve, and a control loop on the main thread, with a small ring
/// of its own, for signals, the admin listener and the order of stopping. A scrape never runs on a
/// shard that serves.
///
///   control                                         shard 0 .. n-1
///   first signal:          begin_drain ---------->  Server closes its listeners, ends idle
///                                                   connections, finishes running responses
///   all shards are done    <----------------------  reports back
///   ... or `drain` is over, or a second signal:
///                          stop ----------------->  all tasks are cancelled, and awaited
class Daemon {
 public:
  /// Opens the roots, binds the listeners, makes the rings; blocks. On the main thread, after
  /// `signals` was made. Nothing is accepted before all of it has worked out.
  [[nodiscard]] static std::expected<std::unique_ptr<Daemon>, StartError> start(
      config::Config config, const sluice::SignalSet& signals, Inheritance inheritance,
      log::Logger& logger);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// One line for each listener, saying where it is.
  [[nodiscard]] std::string describe() const;
  /// Serves until a signal comes and everything it began has ended.
  void run();

 private:
  // What one shard serves with. All but the counters is made and used on its thread.
  struct Worker final : private sluice::Message {
    explicit Worker(Daemon& owner) : daemon(owner) {}
    void report_done() noexcept { daemon.executor_->post(*this); }

    Daemon& daemon;
    observe::ServerMetrics metrics;
    unsigned asked_last = 0;  // which shard was last asked for a connection to give way
    std::unique_ptr<observe::AccessLog> access_log;  // null when there is none
    std::unique_ptr<files::FileCache> cache;
    std::unique_ptr<serve::FileHandler> handler;
    std::unique_ptr<serve::Server> server;

   private:
    void run() noexcept override { daemon.worker_done(); }
  };

  Daemon(std::shared_ptr<const serve::SiteTable> sites, const sluice::SignalSet& signals,
         ServiceManager manager, log::Logger& logger);
  [[nodiscard]] const config::Config& config() const noexcept { return sites_->config(); }
  [[nodiscard]] std::expected<void, StartError> start_listeners(unsigned shard_count,
                                                                InheritedSockets& inherited);
  [[nodiscard]] std::expected<void, StartError> open_access_logs(unsigned shard_count);
  void limit_connections(unsigned shard_count);
  [[nodiscard]] std::expected<void, StartError> start_rings(unsigned shard_count);
  void start_admin();
  void start_workers();
  [[nodiscard]] static sluice::Task<void> run_worker(Worker& worker,
                                                     std::vector<serve::ListeningSocket> sockets);
  [[nodiscard]] serve::ServerExtras extras_of(unsigned index);
  void ask_another(unsigned index, std::optional<std::size_t> listener);
  [[nodiscard]] sluice::Task<void> control();
  [[nodiscard]] sluice::Task<int> next_stop_signal();
  [[nodiscard]] sluice::Task<bool> await_drained();
  [[nodiscard]] sluice::Task<void> await_workers();
  [[nodiscard]] sluice::Task<void> await_drain_limit();
  void worker_done() noexcept;
  [[nodiscard]] std::int64_t open_connections() const noexcept;

  std::shared_ptr<const serve::SiteTable> sites_;
  const sluice::SignalSet& signals_;
  ServiceManager manager_;
  log::Logger& logger_;
  std::atomic<bool> draining_{false};

  Intake intake_;
  std::optional<Intake> admin_intake_;
  std::unique_ptr<sluice::Reactor> reactor_;
  std::unique_ptr<sluice::Executor> executor_;
  std::unique_ptr<sluice::BlockingPool> blocking_pool_;
  std::unique_ptr<sluice::ShardSet> shards_;
  std::vector<sluice::UniqueFd> access_log_fds_;  // until the shards take them
  std::unique_ptr<serve::AddressLimit> addresses_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t workers_running_ = 0;
  sluice::Event workers_done_;

  observe::ServerMetrics admin_metrics_;  // of the admin listener itself; not on the page
  admin::AcceptQueues accept_queues_;
  std::unique_ptr<admin::MetricsPage> page_;
  std::unique_ptr<admin::AdminHandler> admin_handler_;
  std::unique_ptr<serve::Server> admin_server_;
};

}  // namespace sluiced::service
