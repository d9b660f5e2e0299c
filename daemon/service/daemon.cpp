#include "service/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <sluice/combinators.hpp>
#include <sluice/timer.hpp>

#include "cli/exit_code.hpp"
#include "service/supervision.hpp"

namespace sluiced::service {
namespace {

// After the connections have been cut, for what the kernel still does for them.
constexpr sluice::Duration kPatienceWithFiles = std::chrono::seconds(5);

}  // namespace

Daemon::~Daemon() {
  if (shards_) {
    shards_->stop(true);
    shards_->join();
  }
  remove_socket_files();
}

void Daemon::remove_socket_files() const noexcept {
  std::ranges::for_each(listeners_, remove_socket_file);
  if (admin_intake_) {
    std::ranges::for_each(admin_intake_->listeners, remove_socket_file);
  }
  if (control_is_open_) {
    ::unlink(control_path_.c_str());
  }
}

std::string Daemon::status() const {
  return fmt::format("serving with {} shards", shards_->size());
}

std::string Daemon::describe() const {
  std::string lines;
  for (const OpenListener& listener : listeners_) {
    lines += fmt::format("Listening on {} ({})\n", listener.url, listener.options.name);
  }
  if (admin_intake_) {
    const config::Admin& admin = config().admin;
    std::string paths = admin.metrics ? " /metrics" : "";
    paths += admin.health ? " /livez /readyz" : "";
    paths += admin.status ? " /status" : "";
    lines += fmt::format("Admin on {} ({})\n", admin_intake_->listeners.front().url,
                         std::string_view(paths).substr(paths.empty() ? 0 : 1));
  }
  return lines;
}

void Daemon::start_workers() {
  workers_running_ = workers_.size();
  for (unsigned index = 0; index < workers_.size(); ++index) {
    shards_->post(
        index, [this, index, &worker = *workers_[index],
                sockets = std::move(sockets_by_shard_[index])](sluice::Shard& shard) mutable {
          worker.cache = std::make_unique<files::FileCache>(
              shard.executor(), cache_options(config().runtime, shards_->size()),
              worker.metrics.file_cache);
          worker.digests =
              std::make_unique<serve::DigestCache>(*blocking_pool_, worker.metrics.representations);
          worker.log.replace(make_log(worker, config().log.access, access_log_fds_, index));
          worker.server = std::make_unique<serve::Server>(
              shard.executor(), make_handler(worker, sites_), config(), worker.metrics,
              std::move(worker.receive_buffers), extras_of(index));
          shard.executor().spawn(run_worker(worker, std::move(sockets)));
        });
  }
}

// On the worker's shard.
serve::HandlerRef Daemon::make_handler(Worker& worker,
                                       std::shared_ptr<const serve::SiteTable> sites) {
  worker.sites = sites;
  const serve::FileHandler::Resources resources{*worker.cache, *worker.digests, *blocking_pool_,
                                                worker.metrics, worker.sites};
  return serve::HandlerRef(std::make_unique<serve::FileHandler>(std::move(sites), resources));
}

// `files` is empty where there is no log.
std::unique_ptr<observe::AccessLog> Daemon::make_log(Worker& worker,
                                                     const config::AccessLog& options,
                                                     std::vector<sluice::UniqueFd>& files,
                                                     unsigned index) {
  return files.empty() ? nullptr
                       : std::make_unique<observe::AccessLog>(options, std::move(files[index]),
                                                              worker.metrics.access_log);
}

serve::ServerExtras Daemon::extras_of(unsigned index) {
  serve::ServerExtras extras;
  extras.addresses = config().limits.max_connections_per_address ? addresses_.get() : nullptr;
  extras.access_log = workers_[index]->log.current();
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
  sluice::TaskScope logging(co_await sluice::current_context());
  logging.spawn(worker.log.run());
  co_await worker.server->run(std::move(sockets));
  worker.log.finish();
  co_await logging.join();
  watching.cancel();
  co_await watching.join();
  worker.cache->clear();  // here, where remote files are closed without waiting
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
  inquiries_ = &admin_scope;
  if (admin_intake_) {
    admin_scope.spawn(admin_server_->run(std::move(admin_intake_->by_shard.front())));
  }
  admin_scope.spawn(feed_watchdog(manager_, *shards_));
  admin_scope.spawn(follow_reload_signals());
  if (control_socket_) {
    admin_scope.spawn(serve_control_socket());
  }
  manager_.ready(status());
  const int signal = co_await next_stop_signal();
  draining_ = true;
  if (const auto idle = reload_lock_.try_lock()) {
    inherited_ = InheritedSockets();
  }
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
    co_await cut_connections();
  }
  admin_scope.cancel();
  co_await admin_scope.join();
  inquiries_ = nullptr;
}

// SIGUSR1 means that the access log has been renamed, SIGHUP that the configuration has been
// changed; all others mean to stop. 0 after an error.
sluice::Task<int> Daemon::next_stop_signal() {
  while (true) {
    const auto signal = co_await signals_.next();
    if (signal && *signal == SIGHUP) {
      reload_wanted_.set();
      continue;
    }
    if (!signal || *signal != SIGUSR1) {
      co_return signal.value_or(0);
    }
    for (unsigned index = 0; index < workers_.size(); ++index) {
      shards_->post(index, [&worker = *workers_[index]](sluice::Shard&) {
        if (observe::AccessLog* log = worker.log.current()) {
          log->reopen();
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

// What the kernel waits for cannot be taken back from a file system that does not answer; nor must
// it hold up the end of the process.
sluice::Task<void> Daemon::cut_connections() {
  for (unsigned index = 0; index < workers_.size(); ++index) {
    shards_->post(index, [](sluice::Shard& shard) { shard.executor().stop(); });
  }
  const auto until = executor_->now() + kPatienceWithFiles;
  while (!workers_done_.is_set() && executor_->now() < until) {
    static_cast<void>(co_await sluice::sleep_for(std::chrono::milliseconds(20)));
  }
  if (!workers_done_.is_set()) {
    abandon();
  }
}

void Daemon::abandon() {
  std::int64_t opens = 0;
  std::int64_t reads = 0;
  for (const auto& worker : workers_) {
    opens += worker->metrics.file_cache.opens.waiting.value();
    reads += worker->metrics.data_paths.reads.waiting.value();
  }
  logger_.error(fmt::format(
      "stopped without waiting for {} reads and {} opens of files, and {} connections: their file "
      "system does not answer; see what is mounted beneath the roots",
      reads, opens, open_connections()));
  logger_.finish();
  remove_socket_files();
  std::_Exit(cli::status(cli::ExitCode::kOsError));
}

sluice::Task<void> Daemon::await_workers() { static_cast<void>(co_await workers_done_.wait()); }

sluice::Task<void> Daemon::await_drain_limit() {
  const auto& limit = config().timeouts.drain;
  static_cast<void>(
      co_await sluice::sleep_until(limit ? executor_->now() + *limit : sluice::kNever));
}

}  // namespace sluiced::service
