#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

#include "cli/exit_code.hpp"
#include "service/start_error.hpp"

/// How the daemon is asked for something by the program's own verbs: a unix socket that only its
/// own user and root can connect to. A client sends the verb and a newline; the answer is the exit
/// status of the verb in decimal digits, a newline, a text for people, and the end of the
/// connection.
namespace sluiced::service {

/// What became of what was asked.
struct ControlAnswer {
  cli::ExitCode code = cli::ExitCode::kOk;
  std::string text;  // ends in a newline, or is empty
};

inline constexpr std::string_view kReloadVerb = "reload";
/// The longest line that is read.
inline constexpr std::size_t kLongestControlLine = 64;

/// Binds and listens; blocks. For the start.
[[nodiscard]] std::expected<sluice::UniqueFd, StartError> listen_for_control(
    const std::filesystem::path& path);

/// Answers clients until it is cancelled. `reload` does what its name says.
[[nodiscard]] sluice::Task<void> serve_control(
    sluice::UniqueFd socket, const std::function<sluice::Task<ControlAnswer>()>& reload);

}  // namespace sluiced::service
