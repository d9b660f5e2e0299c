#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <filesystem>
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
#include <sluice/task_scope.hpp>

#include "admin/accept_queues.hpp"
#include "admin/admin_handler.hpp"
#include "admin/metrics_page.hpp"
#include "admin/status_snapshot.hpp"
#include "observe/access_log.hpp"
#include "observe/log.hpp"
#include "observe/server_metrics.hpp"
#include "serve/file_handler.hpp"
#include "serve/server.hpp"
#include "serve/site_table.hpp"
#include "service/confinement.hpp"
#include "service/control_socket.hpp"
#include "service/descriptors.hpp"
#include "service/inherited_sockets.hpp"
#include "service/listening.hpp"
#include "service/opening.hpp"
#include "service/prepare_reload.hpp"
#include "service/service_manager.hpp"
#include "service/worker_log.hpp"

namespace sluiced::service {

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
///
/// A reload is prepared as a whole on the blocking pool, then each shard goes over to the new
/// configuration in one step of its own thread; see reload().
class Daemon {
 public:
  /// The second half of a start, after open(): makes the threads and the rings; blocks. On the main
  /// thread, after `signals` was made. Nothing is accepted before all of it has worked out.
  [[nodiscard]] static std::expected<std::unique_ptr<Daemon>, StartError> start(
      Opened opened, const sluice::SignalSet& signals, log::Logger& logger);
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
    unsigned inquiries = 0;   // of the control loop: questions that the shard has not answered
    WorkerLog log;
    std::shared_ptr<const serve::SiteTable> sites;  // the newest
    std::unique_ptr<files::FileCache> cache;
    std::unique_ptr<serve::DigestCache> digests;
    std::unique_ptr<sluice::ProvidedBuffers> receive_buffers;  // until the server has them
    std::unique_ptr<serve::Server> server;

   private:
    void run() noexcept override { daemon.worker_done(); }
  };

  Daemon(Opened opened, const sluice::SignalSet& signals, log::Logger& logger);
  [[nodiscard]] const config::Config& config() const noexcept { return sites_->config(); }
  [[nodiscard]] std::size_t allowed_connections(const config::Config& config,
                                                std::vector<std::string>& notices) const;
  void store_all_sockets() const;
  void limit_connections(unsigned shard_count);
  [[nodiscard]] std::expected<void, StartError> start_rings(unsigned shard_count);
  [[nodiscard]] std::expected<void, StartError> make_receive_buffers();
  void watch_accept_queues(const std::vector<serve::ListeningSocket>& sockets, unsigned shard);
  [[nodiscard]] std::expected<void, StartError> start_admin();
  void log_confinement(const std::string& user, const std::vector<std::string>& warnings) const;
  void start_workers();
  [[nodiscard]] static sluice::Task<void> run_worker(Worker& worker,
                                                     std::vector<serve::ListeningSocket> sockets);
  [[nodiscard]] serve::HandlerRef make_handler(Worker& worker,
                                               std::shared_ptr<const serve::SiteTable> sites);
  [[nodiscard]] static std::unique_ptr<observe::AccessLog> make_log(
      Worker& worker, const config::AccessLog& options, std::vector<sluice::UniqueFd>& files,
      unsigned index);
  [[nodiscard]] serve::ServerExtras extras_of(unsigned index);
  void ask_another(unsigned index, std::optional<std::size_t> listener);
  [[nodiscard]] sluice::Task<void> control();
  [[nodiscard]] sluice::Task<int> next_stop_signal();
  [[nodiscard]] sluice::Task<bool> await_drained();
  [[nodiscard]] sluice::Task<void> await_workers();
  [[nodiscard]] sluice::Task<void> await_drain_limit();
  [[nodiscard]] sluice::Task<void> cut_connections();
  [[noreturn]] void abandon();
  void remove_socket_files() const noexcept;
  void worker_done() noexcept;
  [[nodiscard]] std::int64_t open_connections() const noexcept;
  [[nodiscard]] std::string status() const;

  /// Asks all shards, and waits a second at the most for those that answer.
  [[nodiscard]] sluice::Task<admin::StatusSnapshot> take_snapshot();
  struct Inquiry;
  [[nodiscard]] sluice::Task<void> ask_shard(unsigned index, std::shared_ptr<Inquiry> inquiry);
  [[nodiscard]] admin::StatusSnapshot snapshot_of_numbers() const;
  [[nodiscard]] sluice::Task<ControlAnswer> tell_status(bool as_json);
  [[nodiscard]] ControlVerbs control_verbs();

  /// Reads the configuration again and goes over to it, or changes nothing; one at a time.
  [[nodiscard]] sluice::Task<ControlAnswer> reload();
  [[nodiscard]] sluice::Task<std::expected<PreparedReload, StartError>> prepare();
  [[nodiscard]] sluice::Task<void> forget_gone(const PreparedReload& prepared);
  [[nodiscard]] sluice::Task<void> switch_to(PreparedReload prepared);
  void change_limits(PreparedReload& prepared);
  void note_listeners(PreparedReload& prepared) const;
  [[nodiscard]] ControlAnswer report(const std::expected<void, StartError>& outcome,
                                     const std::vector<std::string>& notices);
  [[nodiscard]] sluice::Task<void> follow_reload_signals();
  [[nodiscard]] sluice::Task<void> serve_control_socket();

  std::shared_ptr<const serve::SiteTable> sites_;  // the newest
  const sluice::SignalSet& signals_;
  ServiceManager manager_;
  InheritedSockets inherited_;
  std::filesystem::path config_file_;
  std::filesystem::path control_path_;
  sluice::UniqueFd control_socket_;  // until it is served
  bool control_is_open_ = false;
  Confinement confinement_;
  log::Logger& logger_;
  std::atomic<bool> draining_{false};
  const std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();

  std::vector<std::vector<serve::ListeningSocket>> sockets_by_shard_;  // until the shards take them
  std::vector<OpenListener> listeners_;  // in the order of the configuration
  std::size_t next_listener_id_ = 0;
  std::size_t descriptors_allow_ = 0;  // so many connections
  std::size_t rings_allow_ = 0;
  std::shared_ptr<serve::ConnectionLimit> total_;
  std::optional<Intake> admin_intake_;
  std::unique_ptr<sluice::Reactor> reactor_;
  std::unique_ptr<sluice::Executor> executor_;
  std::unique_ptr<sluice::BlockingPool> blocking_pool_;
  std::unique_ptr<sluice::ShardSet> shards_;
  std::vector<sluice::UniqueFd> access_log_fds_;    // until the shards take them
  std::unique_ptr<serve::AddressLimit> addresses_;  // from the first time that there is a limit
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t workers_running_ = 0;
  sluice::Event workers_done_;
  sluice::Event reload_wanted_;  // by a signal
  sluice::Mutex reload_lock_;
  admin::ReloadState reloads_;

  observe::ServerMetrics admin_metrics_;  // of the admin listener itself; not on the page
  config::Admin admin_options_;
  admin::AcceptQueues accept_queues_;
  std::vector<admin::ShardSource> sources_;  // of the workers, then of the control loop
  sluice::TaskScope* inquiries_ = nullptr;   // while the control loop runs
  std::unique_ptr<admin::MetricsPage> page_;
  std::unique_ptr<serve::Server> admin_server_;
};

}  // namespace sluiced::service
