#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "config/serve_config.hpp"

namespace sluiced::cli {

/// Who is to serve.
struct ServiceUser {
  std::string name{};       ///< `NAME` or `NAME:GROUP`; empty for what the configuration says.
  bool allow_root = false;  ///< To stay root where nobody is named.

  friend bool operator==(const ServiceUser&, const ServiceUser&) = default;
};

/// `serve DIR`: the options are those of a configuration made up on the spot.
struct Serve : config::ServeOptions {
  ServiceUser user{};

  friend bool operator==(const Serve&, const Serve&) = default;
};

/// `run -c FILE`.
struct Run {
  std::filesystem::path config;
  /// Of the control socket; nothing where the command line says nothing, empty where it says off.
  std::optional<std::filesystem::path> control{};
  ServiceUser user{};

  friend bool operator==(const Run&, const Run&) = default;
};

/// `reload`: have the daemon read its configuration again.
struct Reload {
  /// As for Run; never empty.
  std::optional<std::filesystem::path> control{};

  friend bool operator==(const Reload&, const Reload&) = default;
};

/// `status`: ask the daemon what it is doing, and print it.
struct Status {
  /// As for Reload.
  std::optional<std::filesystem::path> control{};
  bool json = false;

  friend bool operator==(const Status&, const Status&) = default;
};

/// `check FILE`: read the configuration, say what is wrong with it, and end.
struct Check {
  std::filesystem::path config;
  bool dump = false;  ///< Print what it comes to.

  friend bool operator==(const Check&, const Check&) = default;
};

/// `schema`: print config::json_schema(), and end.
struct Schema {
  friend bool operator==(const Schema&, const Schema&) = default;
};

/// `doctor`: look at the machine, say what is wrong, and end.
struct Doctor {
  std::filesystem::path config{};  ///< Empty for none.
  std::string user{};              ///< To look as; empty for who asks.

  friend bool operator==(const Doctor&, const Doctor&) = default;
};

/// `healthcheck`: ask a daemon, and end.
struct HealthCheck {
  std::string url = "http://127.0.0.1:9180";
  std::filesystem::path config{};  ///< If not empty, instead of the URL.
  bool ready = false;

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// Print what describe(build_info()) returns, and end.
struct Version {
  friend bool operator==(const Version&, const Version&) = default;
};

/// Print the text on standard output, and end.
struct Help {
  std::string text;

  friend bool operator==(const Help&, const Help&) = default;
};

using Command =
    std::variant<Serve, Run, Reload, Status, Check, Schema, Doctor, HealthCheck, Version, Help>;

/// A command line that cannot be followed. The program writes the message on standard error and
/// ends with ExitCode::kUsage.
struct UsageError {
  /// One sentence naming the culprit and a pointer to the help, or the help itself where nothing
  /// was asked for. Ends in a newline.
  std::string message;
};

/// Reads the command line, whose first word is the name of the program. Addresses have been parsed
/// by then; files and directories have not been looked at.
[[nodiscard]] std::expected<Command, UsageError> parse_command_line(int argc,
                                                                    const char* const* argv);

}  // namespace sluiced::cli
