// sluiced: serves files over HTTP from an io_uring runtime.
#include <csignal>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sluice/signal.hpp>

#include "cli/build_info.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_code.hpp"
#include "config/load.hpp"
#include "config/serve_config.hpp"
#include "observe/log.hpp"
#include "service/daemon.hpp"

namespace {

using namespace sluiced;
using cli::ExitCode;

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

using Loaded = std::expected<config::Config, std::vector<config::Diagnostic>>;

ExitCode serve(config::Config config) {
  auto manager = service::ServiceManager::from_environment();
  auto sockets = service::InheritedSockets::from_environment();
  if (!sockets) {
    print(stderr, "sluiced: " + sockets.error() + "\n");
    return ExitCode::kConfig;
  }
  // Before any thread is made: threads inherit what is blocked.
  const auto signals = sluice::SignalSet::block({SIGINT, SIGTERM, SIGQUIT, SIGUSR1});
  if (!signals) {
    print(stderr, "sluiced: cannot block signals: " + signals.error().message() + "\n");
    return ExitCode::kOsError;
  }
  std::signal(SIGPIPE, SIG_IGN);
  log::Options log_options;
  log_options.level = static_cast<log::Level>(config.log.level);
  log::Logger logger(log_options);

  auto daemon = service::Daemon::start(std::move(config), *signals,
                                       {std::move(manager), std::move(*sockets)}, logger);
  if (!daemon) {
    print(stderr, "sluiced: " + daemon.error().message + "\n");
    return daemon.error().code;
  }
  print(stdout, (*daemon)->describe());
  (*daemon)->run();
  return ExitCode::kOk;
}

ExitCode serve_if_loaded(Loaded loaded) {
  if (!loaded) {
    print(stderr, config::format(loaded.error()));
    return ExitCode::kConfig;
  }
  print(stderr, config::format(loaded->warnings));
  return serve(std::move(*loaded));
}

ExitCode follow(const cli::Serve& options) {
  return serve_if_loaded(config::serve_config(options));
}
ExitCode follow(const cli::Run& run) { return serve_if_loaded(config::load_file(run.config)); }

ExitCode follow(const cli::Check& check) {
  const Loaded loaded = config::load_file(check.config);
  if (!loaded) {
    print(stderr, config::format(loaded.error()));
    return ExitCode::kConfig;
  }
  print(stderr, config::format(loaded->warnings));
  print(stdout, check.config.string() + ": ok\n");
  return ExitCode::kOk;
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
