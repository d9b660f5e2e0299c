// sluiced: serves files over HTTP from an io_uring runtime.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sluice/signal.hpp>

#include "cli/build_info.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_code.hpp"
#include "config/dump.hpp"
#include "config/json_schema.hpp"
#include "config/load.hpp"
#include "config/serve_config.hpp"
#include "doctor/doctor.hpp"
#include "observe/log.hpp"
#include "service/control_client.hpp"
#include "service/daemon.hpp"
#include "service/health_client.hpp"

namespace {

using namespace sluiced;
using cli::ExitCode;

// `level` is for the journal, if that is where standard error goes.
void print(std::FILE* stream, const std::string& text, log::Level level = log::Level::kError) {
  const std::string lines =
      stream == stderr ? log::with_priorities(text, level, STDERR_FILENO) : text;
  std::fwrite(lines.data(), 1, lines.size(), stream);
  std::fflush(stream);
}

using Loaded = std::expected<config::Config, std::vector<config::Diagnostic>>;

// Of a daemon that follows a configuration file.
struct Reloading {
  std::filesystem::path config_file;
  std::filesystem::path control_path;
};

ExitCode fail_start(const service::StartError& error) {
  print(stderr, "sluiced: " + error.message + "\n");
  return error.code;
}

ExitCode serve(config::Config config, const cli::ServiceUser& user, Reloading reloading) {
  auto manager = service::ServiceManager::from_environment();
  auto sockets = service::InheritedSockets::from_environment();
  if (!sockets) {
    print(stderr, "sluiced: " + sockets.error() + "\n");
    return ExitCode::kConfig;
  }
  // Before any thread is made: threads inherit what is blocked.
  // Without a file there is nothing to read again, and the terminal's end is the daemon's.
  const auto signals = reloading.config_file.empty()
                           ? sluice::SignalSet::block({SIGINT, SIGTERM, SIGQUIT, SIGUSR1})
                           : sluice::SignalSet::block({SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGHUP});
  if (!signals) {
    print(stderr, "sluiced: cannot block signals: " + signals.error().message() + "\n");
    return ExitCode::kOsError;
  }
  std::signal(SIGPIPE, SIG_IGN);
  log::Options log_options;
  log_options.level = static_cast<log::Level>(config.log.level);
  log_options.format = static_cast<log::Format>(config.log.format);

  auto opened = service::open(
      std::move(config), {std::move(manager), std::move(*sockets), std::move(reloading.config_file),
                          std::move(reloading.control_path), user});
  if (!opened) {
    return fail_start(opened.error());
  }
  // It has a thread, and so do shards: what open() gave up has to be gone by then.
  log::Logger logger(log_options);
  auto daemon = service::Daemon::start(std::move(*opened), *signals, logger);
  if (!daemon) {
    return fail_start(daemon.error());
  }
  print(stdout, (*daemon)->describe());
  (*daemon)->run();
  return ExitCode::kOk;
}

ExitCode serve_if_loaded(Loaded loaded, const cli::ServiceUser& user, Reloading reloading = {}) {
  if (!loaded) {
    print(stderr, config::format(loaded.error()));
    return ExitCode::kConfig;
  }
  print(stderr, config::format(loaded->warnings), log::Level::kWarn);
  return serve(std::move(*loaded), user, std::move(reloading));
}

ExitCode follow(const cli::Serve& options) {
  return serve_if_loaded(config::serve_config(options), options.user);
}

ExitCode follow(const cli::Run& run) {
  return serve_if_loaded(config::load_file(run.config), run.user,
                         {run.config, run.control.value_or(service::default_control_path())});
}

// Has the daemon do what `asked` says, for the verb `name`.
ExitCode ask(std::string_view name, const std::optional<std::filesystem::path>& control,
             std::string_view asked) {
  const auto path = control.value_or(service::default_control_path());
  if (path.empty()) {
    print(stderr, "sluiced " + std::string(name) +
                      ": where is the control socket? Name it with --control PATH\n");
    return ExitCode::kUsage;
  }
  const auto answer = service::ask_daemon(path, asked);
  print(answer.code == ExitCode::kOk ? stdout : stderr, answer.text);
  return answer.code;
}

ExitCode follow(const cli::Reload& reload) {
  return ask("reload", reload.control, service::kReloadVerb);
}

ExitCode follow(const cli::Status& status) {
  return ask("status", status.control,
             status.json ? service::kStatusJsonVerb : service::kStatusVerb);
}

ExitCode follow(const cli::Check& check) {
  const Loaded loaded = config::load_file(check.config);
  if (!loaded) {
    print(stderr, config::format(loaded.error()));
    return ExitCode::kConfig;
  }
  print(stderr, config::format(loaded->warnings), log::Level::kWarn);
  print(stdout, check.dump ? config::dump(*loaded) : check.config.string() + ": ok\n");
  return ExitCode::kOk;
}

ExitCode follow(const cli::Schema&) {
  print(stdout, config::json_schema());
  return ExitCode::kOk;
}

ExitCode follow(const cli::Doctor& options) {
  // All that comes is seen through the eyes of that user, the configuration as well.
  if (const auto became =
          options.user.empty() ? std::expected<void, std::string>() : doctor::become(options.user);
      !became) {
    print(stderr, "sluiced doctor: " + became.error() + "\n");
    return ExitCode::kPermission;
  }
  config::Config config;
  config.listeners.emplace_back().name = "web";
  if (!options.config.empty()) {
    // A root that cannot be entered is for the doctor to explain.
    Loaded loaded = config::load_file(options.config, config::Check::kText);
    if (!loaded) {
      print(stderr, config::format(loaded.error()));
      return ExitCode::kConfig;
    }
    config = std::move(*loaded);
  }
  doctor::Findings findings = doctor::examine_machine(config);
  std::ranges::move(doctor::examine_files(config), std::back_inserter(findings));
  print(stdout, doctor::format(findings));
  return doctor::has_error(findings) ? ExitCode::kUnhealthy : ExitCode::kOk;
}

std::expected<service::HealthTarget, std::string> health_target(const cli::HealthCheck& check) {
  const char* const path = check.ready ? "/readyz" : "/livez";
  if (check.config.empty()) {
    return service::parse_health_url(check.url, path);
  }
  const Loaded loaded = config::load_file(check.config, config::Check::kText);
  if (!loaded) {
    return std::unexpected("no configuration: see sluiced check " + check.config.string());
  }
  return service::health_target_of(*loaded, path);
}

ExitCode follow(const cli::HealthCheck& check) {
  const auto target = health_target(check);
  const auto answer = target ? service::ask_health(*target, std::chrono::seconds(3))
                             : std::unexpected(target.error());
  print(answer ? stdout : stderr,
        answer ? "healthy: " + *answer + "\n" : "unhealthy: " + answer.error() + "\n");
  return answer ? ExitCode::kOk : ExitCode::kUnhealthy;
}

ExitCode follow(const cli::Version&) {
  print(stdout, cli::describe(cli::build_info()));
  return ExitCode::kOk;
}

ExitCode follow(const cli::Help& help) {
  print(stdout, help.text);
  return ExitCode::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = cli::parse_command_line(argc, argv);
  if (!command) {
    print(stderr, command.error().message);
    return cli::status(ExitCode::kUsage);
  }
  return cli::status(std::visit([](const auto& verb) { return follow(verb); }, *command));
}
