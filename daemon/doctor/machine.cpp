#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <sluice/capabilities.hpp>
#include <sluice/kernel_ring.hpp>

#include "config/scalar.hpp"
#include "config/worker_count.hpp"
#include "doctor/doctor.hpp"
#include "service/confinement.hpp"
#include "service/descriptors.hpp"
#include "service/landlock.hpp"
#include "service/ring_options.hpp"

namespace sluiced::doctor {
namespace {

/// The number in a file of /proc/sys, if it can be read.
std::optional<std::uint64_t> setting(const std::string& name) {
  std::string path = "/proc/sys/" + name;
  std::ranges::replace(path, '.', '/');
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

Finding kernel(const sluice::Capabilities& capabilities) {
  std::string missing;
  for (const sluice::Opcode opcode : service::kOperationsInUse) {
    if (!capabilities.supports(opcode)) {
      missing += (missing.empty() ? "" : "; ") + capabilities.explain(opcode);
    }
  }
  if (!missing.empty()) {
    return {Verdict::kError, "kernel", missing, "boot a newer kernel"};
  }
  return {Verdict::kOk, "kernel",
          fmt::format("Linux {} has all {} operations of io_uring that sluiced uses",
                      capabilities.kernel_release, service::kOperationsInUse.size())};
}

void io_uring_permission(Findings& out) {
  const sluice::SetupEnvironment environment = sluice::current_environment();
  if (environment.io_uring_disabled > 0) {
    // The ring above was to be had all the same, by a group or a privilege.
    out.push_back({Verdict::kWarning, "kernel.io_uring_disabled",
                   fmt::format("{}: io_uring is kept from most users of this machine",
                               environment.io_uring_disabled),
                   "see that the service's user is in the group kernel.io_uring_group"});
  } else if (environment.io_uring_disabled == 0) {
    out.push_back({Verdict::kOk, "kernel.io_uring_disabled", "0: everybody may use io_uring"});
  }
  out.push_back({Verdict::kOk, "seccomp",
                 environment.has_seccomp_filter ? "the filter of this process allows io_uring"
                                                : "no filter"});
}

std::string memlock_words() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
    return "unknown";
  }
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : config::format_size(limit.rlim_cur);
}

/// All that a start makes, at the same time.
Finding rings(const config::Config& config, unsigned shards) {
  service::raise_locked_memory_limit();  // as a start does
  std::vector<sluice::RingOptions> wanted(shards, service::ring_options(config, shards));
  wanted.push_back(service::control_ring_options());
  std::vector<std::unique_ptr<sluice::KernelRing>> made;
  std::size_t connections = 0;
  bool all_whole = true;
  for (const sluice::RingOptions& options : wanted) {
    auto ring = sluice::KernelRing::create(options);
    if (!ring) {
      return {Verdict::kError, "rings",
              fmt::format("{} of {}: {}", made.size(), wanted.size(), ring.error().explanation)};
    }
    all_whole = all_whole && (*ring)->completion_capacity() >= options.completion_entries;
    if (made.size() < shards) {
      connections += service::connections_of((*ring)->completion_capacity());
    }
    made.push_back(std::move(*ring));
  }
  const std::string limit = memlock_words();
  if (!all_whole) {
    return {Verdict::kWarning, "rings",
            fmt::format("locked memory is limited to {} (RLIMIT_MEMLOCK): the rings are smaller "
                        "than asked for, and enough for {} connections",
                        limit, connections),
            "LimitMEMLOCK=infinity in the unit, ulimit -l, or lower max_connections"};
  }
  return {Verdict::kOk, "rings",
          fmt::format("{} made as a start makes them; locked memory: {}", made.size(), limit)};
}

Finding open_files(const config::Config& config) {
  service::raise_open_file_limit(config.runtime.max_open_files);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t asked = service::connections_per_shard(config.listeners, 1);
  const std::size_t wanted = config.limits.max_connections
                                 ? std::min<std::size_t>(asked, *config.limits.max_connections)
                                 : asked;
  const std::size_t allowed = service::most_connections(config.runtime);
  if (allowed < wanted) {
    const bool by_system = limit.rlim_max < config.runtime.max_open_files;
    return {Verdict::kWarning, "open files",
            fmt::format("{} allow {} connections, and not {}", limit.rlim_cur, allowed, wanted),
            by_system ? "LimitNOFILE= in the unit, or ulimit -Hn; then runtime.max_open_files"
                      : "raise runtime.max_open_files, or lower max_connections"};
  }
  return {Verdict::kOk, "open files",
          fmt::format("{} allow {} connections; {} are wanted", limit.rlim_cur, allowed, wanted)};
}

Finding landlock(const config::Config& config) {
  if (config.confinement.landlock == config::Landlock::kOff) {
    return {Verdict::kWarning, "landlock", "confinement.landlock is off",
            "best_effort keeps sluiced to the directories that it serves"};
  }
  if (const auto abi = service::landlock::abi_version()) {
    return {Verdict::kOk, "landlock",
            fmt::format("version {}: sluiced is kept to the directories that it serves", *abi)};
  } else {
    const bool is_required = config.confinement.landlock == config::Landlock::kRequired;
    return {is_required ? Verdict::kError : Verdict::kWarning, "landlock",
            "sluiced cannot be kept to the directories that it serves",
            service::explain_no_landlock(abi.error())};
  }
}

void accept_queues(const config::Config& config, Findings& out) {
  const auto most = setting("net.core.somaxconn");
  if (!most) {
    return;
  }
  for (const config::Listener& listener : config.listeners) {
    const std::string subject = "accept queue of " + listener.name;
    if (listener.backlog > *most) {
      out.push_back(
          {Verdict::kWarning, subject,
           fmt::format("net.core.somaxconn cuts it from {} to {}", listener.backlog, *most),
           fmt::format("sysctl -w net.core.somaxconn={}", listener.backlog)});
    } else {
      out.push_back({Verdict::kOk, subject,
                     fmt::format("{}; net.core.somaxconn allows {}", listener.backlog, *most)});
    }
  }
}

void inotify(const config::Config& config, unsigned shards, Findings& out) {
  if (config.runtime.cached_files == 0) {
    return;
  }
  const auto compare = [&out](const char* name, std::uint64_t wanted, const char* lack) {
    const auto most = setting(name);
    if (!most) {
      return;
    }
    if (*most < wanted) {
      out.push_back({Verdict::kWarning, name, fmt::format("{}: {}", *most, lack),
                     fmt::format("sysctl -w {}={}, or lower runtime.cached_files", name, wanted)});
    } else {
      out.push_back({Verdict::kOk, name, fmt::format("{}; {} are enough", *most, wanted)});
    }
  };
  // A watch on each file, and on the directories on its way, of which there are seldom more.
  compare("fs.inotify.max_user_watches", 2ULL * config.runtime.cached_files,
          "fewer files are kept open for the next request than runtime.cached_files says");
  compare("fs.inotify.max_user_instances", shards,
          "some shards keep no files open for the next request");
}

}  // namespace

Findings examine_machine(const config::Config& config) {
  Findings out;
  const unsigned shards = config::worker_count(config.runtime);
  if (const auto capabilities = sluice::probe_capabilities()) {
    out.push_back(kernel(*capabilities));
    io_uring_permission(out);
    out.push_back(rings(config, shards));
  } else {
    out.push_back({Verdict::kError, "io_uring", capabilities.error().explanation});
  }
  out.push_back(landlock(config));
  out.push_back(open_files(config));
  accept_queues(config, out);
  inotify(config, shards, out);
  return out;
}

}  // namespace sluiced::doctor
