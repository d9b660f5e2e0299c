#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

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
inline constexpr std::string_view kStatusVerb = "status";
inline constexpr std::string_view kStatusJsonVerb = "status.json";
/// The longest line that is read.
inline constexpr std::size_t kLongestControlLine = 64;

/// Binds and listens; blocks. For the start.
[[nodiscard]] std::expected<sluice::UniqueFd, StartError> listen_for_control(
    const std::filesystem::path& path);

/// What is done for a verb.
struct ControlVerb {
  std::string_view name;
  std::function<sluice::Task<ControlAnswer>()> answer;
};
using ControlVerbs = std::vector<ControlVerb>;

/// Answers clients until it is cancelled.
[[nodiscard]] sluice::Task<void> serve_control(sluice::UniqueFd socket, const ControlVerbs& verbs);

}  // namespace sluiced::service
