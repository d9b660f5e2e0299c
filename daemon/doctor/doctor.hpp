#pragma once

#include <expected>
#include <string>

#include "config/config.hpp"
#include "doctor/finding.hpp"

/// Looks at the machine as a start of the daemon would find it, and changes nothing on it.
namespace sluiced::doctor {

/// Makes this process one of another user's for good, with the groups of that user. The error is a
/// clause. Only root can.
[[nodiscard]] std::expected<void, std::string> become(const std::string& user);

/// Kernel, io_uring, limits and queues. Raises the soft limit of open files as a start does, and
/// makes the rings that a start makes.
[[nodiscard]] Findings examine_machine(const config::Config& config);

/// The directories and files that the configuration names, with the rights of this process.
[[nodiscard]] Findings examine_files(const config::Config& config);

}  // namespace sluiced::doctor
