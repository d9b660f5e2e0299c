#include "service/confinement.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "config/reader.hpp"
#include "config/source.hpp"
#include "text/printable.hpp"

namespace sluiced::service {
namespace {

namespace fs = std::filesystem;
using landlock::Access;
using Rules = std::vector<Confinement::Rule>;

constexpr Access kReadBeneath = landlock::kReadFile | landlock::kReadDirectory;
constexpr Access kLogBeneath = landlock::kWriteFile | landlock::kMakeFile;
constexpr Access kSocketBeneath = landlock::kMakeSocket | landlock::kRemoveFile;
constexpr std::string_view kStderr = "stderr";

// Where a file may be replaced by another one of the same name. All that is there, for a file right
// below the root of the file system, would be everything.
fs::path around(const fs::path& file) {
  std::error_code error;
  const fs::path folder = fs::absolute(file, error).parent_path();
  return error || folder == folder.root_path() ? file : folder;
}

// By its name, and by the one that it has behind links.
void allow_around(const fs::path& file, Access access, Rules& out) {
  out.push_back({around(file), access});
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  if (!error) {
    out.push_back({around(real), access});
  }
}

void allow_log(const fs::path& target, Rules& out) {
  std::error_code error;
  const fs::file_status found = fs::status(target, error);
  if (fs::exists(found) && !fs::is_regular_file(found)) {
    out.push_back({target, landlock::kWriteFile});  // a pipe, or a device: it is not renamed
  } else {
    // At SIGUSR1 a new one is made in the place of the one that was renamed.
    allow_around(target, kLogBeneath, out);
  }
}

void allow_socket(const config::ListenAddress& address, Rules& out) {
  if (address.family == config::ListenAddress::Family::kUnix) {
    out.push_back({around(address.path), kSocketBeneath});
  }
}

std::string shown(const std::string& path) {
  return text::in_quotes(path, text::kLongestQuotedPath);
}

std::string outside(std::string_view what, const std::string& path, std::string_view lacks,
                    std::string_view cure) {
  return fmt::format(
      "{} {} lies outside what sluiced has kept {} since it started (confinement): {}", what,
      shown(path), lacks, cure);
}

// Rules are a thread's, and those of the threads that it makes.
bool is_only_thread() {
  std::error_code error;
  const fs::directory_iterator threads("/proc/self/task", error);
  return error || std::distance(fs::begin(threads), fs::end(threads)) == 1;
}

constexpr std::string_view kReadableCure =
    "restart it; to change such paths without, list a directory above them in "
    "confinement.readable";
constexpr std::string_view kRestart = "restart it";

}  // namespace

Rules Confinement::rules(const config::Config& config, const StartFiles& files) {
  Rules out;
  for (const config::Site& site : config.sites) {
    for (const config::Mount& mount : site.mounts) {
      out.push_back({mount.root, kReadBeneath});
    }
    for (const config::ErrorPageKey& page : config::kErrorPageKeys) {
      if (const std::string& file = site.errors.*page.file; !file.empty()) {
        allow_around(file, landlock::kReadFile, out);
      }
    }
  }
  for (const std::string& directory : config.confinement.readable) {
    out.push_back({directory, kReadBeneath});
  }
  if (!files.config.empty()) {
    allow_around(files.config, landlock::kReadFile, out);
  }
  if (const auto& target = config.log.access.target; target && *target != kStderr) {
    allow_log(*target, out);
  }
  for (const config::Listener& listener : config.listeners) {
    allow_socket(listener.address, out);
  }
  if (config.admin.listen) {
    allow_socket(*config.admin.listen, out);
  }
  if (!files.control.empty()) {
    out.push_back({around(files.control), kSocketBeneath});
  }
  // Why no ring can be had is explained by this setting.
  out.push_back({"/proc/sys/kernel/io_uring_disabled", landlock::kReadFile});
  // Rings look up whether the processor's ticks tell the time.
  out.push_back(
      {"/sys/devices/system/clocksource/clocksource0/current_clocksource", landlock::kReadFile});
  // The metrics of the process: its memory, its time, its descriptors.
  out.push_back({"/proc/self", kReadBeneath});
  // The names in zip archives are UTF-8, which the C library reads about here.
  out.push_back({"/usr/lib/locale", kReadBeneath});
  return out;
}

std::expected<Confinement, StartError> Confinement::enter(const config::Config& config,
                                                          const StartFiles& files) {
  if (!is_only_thread()) {
    return std::unexpected(
        StartError{cli::ExitCode::kInternal, "a thread was made before sluiced was confined"});
  }
  Confinement made;
  if (config.confinement.landlock == config::Landlock::kOff) {
    return made;
  }
  const auto abi = landlock::abi_version();
  if (!abi) {
    made.lack_ =
        "there is no Landlock to confine sluiced with: " + explain_no_landlock(abi.error());
    if (config.confinement.landlock == config::Landlock::kRequired) {
      return std::unexpected(StartError{cli::ExitCode::kUnavailable,
                                        "confinement.landlock is required, and " + made.lack_});
    }
    return made;
  }
  if (auto confined = made.confine(*abi, config, files); !confined) {
    return std::unexpected(std::move(confined.error()));
  }
  return made;
}

std::expected<void, StartError> Confinement::confine(int abi, const config::Config& config,
                                                     const StartFiles& files) {
  const auto cannot = [](std::string_view what, const std::error_code& error) {
    return std::unexpected(
        StartError{cli::ExitCode::kOsError,
                   fmt::format("cannot confine sluiced ({}): {}; confinement.landlock: "
                               "off does without",
                               what, error.message())});
  };
  const auto ruleset = landlock::Ruleset::create(abi, files.tells_abstract_socket);
  if (!ruleset) {
    return cannot("making a ruleset", ruleset.error());
  }
  for (const Rule& rule : rules(config, files)) {
    sluice::UniqueFd file(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat found{};
    // What is not there need not be allowed. Roots are there, they have been opened; and what has
    // no place in a file system, as a pipe, is not denied either.
    if (!file || ::fstat(file.get(), &found) != 0) {
      continue;
    }
    const auto allowed = ruleset->allow(file.get(), rule.access);
    if (!allowed && allowed.error().value() != EBADFD) {
      return cannot(rule.path.native(), allowed.error());
    }
    kept_.push_back({found.st_dev, found.st_ino, rule.access});
  }
  proc_self_.reset(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (const auto enforced = ruleset->enforce(); !enforced) {
    return cannot("entering the ruleset", enforced.error());
  }
  abi_ = abi;
  description_ = fmt::format("Landlock (version {})", abi);
  return {};
}

// As the kernel finds out: what is allowed at a file, and at each directory on the way to it, adds
// up. A log that does not exist yet is where its directory is; that there is none is told by who
// opens it.
bool Confinement::may(const fs::path& path, Access access) const {
  std::error_code error;
  fs::path place = fs::canonical(path, error);
  if (error) {
    place = fs::canonical(around(path), error);
  }
  if (error) {
    return true;
  }
  Access granted = 0;
  while (true) {
    struct stat found{};
    if (::stat(place.c_str(), &found) != 0) {
      break;
    }
    for (const Kept& kept : kept_) {
      if (kept.device == found.st_dev && kept.inode == found.st_ino) {
        granted |= kept.access;
      }
    }
    if (place == place.root_path()) {
      break;
    }
    place = place.parent_path();
  }
  return (granted & access) == access;
}

std::vector<config::Diagnostic> Confinement::refusals(const config::Config& config) const {
  if (!is_in_force()) {
    return {};
  }
  const config::Origin nowhere;
  const config::Origin& origin = config.origin ? *config.origin : nowhere;
  config::Problems problems(origin.source);
  const auto refuse = [&](const std::string& key, std::string sentence) {
    problems.error(origin.places.find(key), std::move(sentence));
  };
  for (std::size_t site = 0; site < config.sites.size(); ++site) {
    const std::string at = config::Reader::indexed("sites", site);
    const std::vector<config::Mount>& mounts = config.sites[site].mounts;
    for (std::size_t mount = 0; mount < mounts.size(); ++mount) {
      if (!may(mounts[mount].root, kReadBeneath)) {
        refuse(config::Reader::indexed(at + ".mounts", mount) + ".root",
               outside("the root", mounts[mount].root, "readable", kReadableCure));
      }
    }
    for (const config::ErrorPageKey& page : config::kErrorPageKeys) {
      const std::string& file = config.sites[site].errors.*page.file;
      if (!file.empty() && !may(file, landlock::kReadFile)) {
        refuse(at + ".errors." + std::string(page.key),
               outside("the page", file, "readable", kReadableCure));
      }
    }
  }
  const auto& log = config.log.access.target;
  if (log && *log != kStderr && !may(*log, landlock::kWriteFile)) {
    refuse("log.access.target", outside("the access log", *log, "writable", kRestart));
  }
  for (std::size_t index = 0; index < config.listeners.size(); ++index) {
    const config::ListenAddress& address = config.listeners[index].address;
    if (address.family == config::ListenAddress::Family::kUnix &&
        !may(around(address.path), kSocketBeneath)) {
      refuse(config::Reader::indexed("listeners", index) + ".address",
             outside("the socket", address.path, "for its sockets", kRestart));
    }
  }
  return problems.take();
}

std::string explain_no_landlock(const std::error_code& error) {
  if (error == std::errc::function_not_supported) {
    return "the kernel was built without it: boot one with CONFIG_SECURITY_LANDLOCK";
  }
  if (error == std::errc::operation_not_supported) {
    return "the kernel was booted without it: add landlock to lsm= on its command line";
  }
  return error.message() +
         ": let landlock_create_ruleset, landlock_add_rule and landlock_restrict_self pass the "
         "filter of system calls (SystemCallFilter= in the unit, the seccomp profile of the "
         "container)";
}

}  // namespace sluiced::service
