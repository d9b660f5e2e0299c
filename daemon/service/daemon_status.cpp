// What the daemon tells of itself while it runs.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <sluice/timer.hpp>

#include "service/build_facts.hpp"
#include "service/daemon.hpp"

namespace sluiced::service {
namespace {

// A shard that hangs is what somebody may be looking for: the others are told of without it.
constexpr sluice::Duration kAnswerLimit = std::chrono::seconds(1);
// Of those that a shard has not answered: it is not asked again before it has.
constexpr unsigned kMostInquiries = 8;

void count_operations(sluice::Reactor& reactor, admin::ShardActivity& activity) {
  reactor.for_each_in_flight(
      [&activity](sluice::OperationId, sluice::OperationKind kind, sluice::Duration) {
        ++activity.operations[static_cast<std::size_t>(kind)];
      });
}

std::optional<std::uint64_t> limit_of_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

}  // namespace

/// One snapshot's questions. Shared with those who ask, as a shard may answer when nobody waits any
/// more.
struct Daemon::Inquiry {
  std::vector<std::optional<admin::ShardActivity>> answers;
  std::size_t missing = 0;
  sluice::Event complete;
};

sluice::Task<void> Daemon::ask_shard(unsigned index, std::shared_ptr<Inquiry> inquiry) {
  Worker& worker = *workers_[index];
  ++worker.inquiries;
  auto look = [&worker](sluice::Shard& shard) {
    admin::ShardActivity activity;
    count_operations(shard.reactor(), activity);
    if (worker.server) {
      activity.connections = worker.server->active_connections(admin::kMostConnectionsTold);
    }
    return activity;
  };
  admin::ShardActivity activity = co_await shards_->submit_to(index, look);
  --worker.inquiries;
  inquiry->answers[index] = std::move(activity);
  if (--inquiry->missing == 0) {
    inquiry->complete.set();
  }
}

sluice::Task<admin::StatusSnapshot> Daemon::take_snapshot() {
  const auto inquiry = std::make_shared<Inquiry>();
  inquiry->answers.resize(workers_.size());
  inquiry->missing = workers_.size();
  for (unsigned index = 0; index < workers_.size(); ++index) {
    if (workers_[index]->inquiries < kMostInquiries) {
      inquiries_->spawn(ask_shard(index, inquiry));
    }
  }
  sluice::Deadline limit(co_await sluice::current_context());
  limit.set(executor_->now() + kAnswerLimit);
  static_cast<void>(co_await inquiry->complete.wait().within(limit.scope()));

  admin::StatusSnapshot snapshot = snapshot_of_numbers();
  for (std::size_t index = 0; index < sources_.size(); ++index) {
    admin::ShardStatus& shard = snapshot.shards.emplace_back();
    shard.source = sources_[index];
    if (index < inquiry->answers.size()) {
      shard.activity = std::move(inquiry->answers[index]);
    } else {
      count_operations(*reactor_, shard.activity.emplace());
    }
  }
  co_return snapshot;
}

admin::StatusSnapshot Daemon::snapshot_of_numbers() const {
  admin::StatusSnapshot snapshot;
  snapshot.build = build_facts();
  snapshot.taken_at = std::chrono::system_clock::now();
  snapshot.uptime = std::chrono::steady_clock::now() - started_at_;
  snapshot.draining = draining_;
  snapshot.reloads = reloads_;
  snapshot.log_dropped_lines = logger_.dropped_total();
  const config::Limits& limits = config().limits;
  snapshot.limits.max_connections = total_->most();
  snapshot.limits.max_connections_per_address = limits.max_connections_per_address;
  snapshot.limits.requests_per_connection = limits.requests_per_connection;
  snapshot.limits.open_files = limit_of_open_files();
  for (const OpenListener& listener : listeners_) {
    snapshot.listeners.push_back({listener.options.name, listener.url,
                                  listener.options.max_connections, listener.options.backlog});
  }
  return snapshot;
}

sluice::Task<ControlAnswer> Daemon::tell_status(bool as_json) {
  const admin::StatusSnapshot snapshot = co_await take_snapshot();
  co_return ControlAnswer{cli::ExitCode::kOk,
                          as_json ? admin::status_json(snapshot) : admin::status_text(snapshot)};
}

ControlVerbs Daemon::control_verbs() {
  return {{kReloadVerb, [this] { return reload(); }},
          {kStatusVerb, [this] { return tell_status(false); }},
          {kStatusJsonVerb, [this] { return tell_status(true); }}};
}

}  // namespace sluiced::service
