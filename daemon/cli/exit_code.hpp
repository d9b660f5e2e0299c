#pragma once

namespace sluiced::cli {

/// How the program ends, after sysexits.h. The service manager restarts on 70 and 71 only: the
/// others come back unchanged until somebody changes something.
enum class ExitCode : int {
  kOk = 0,
  kUnhealthy = 1,     ///< `doctor` or `healthcheck` found something wrong.
  kUsage = 64,        ///< EX_USAGE: the command line.
  kUnavailable = 69,  ///< EX_UNAVAILABLE: io_uring is missing or forbidden here; no daemon answers.
  kInternal = 70,     ///< EX_SOFTWARE: a broken invariant.
  kOsError = 71,      ///< EX_OSERR: the system refused, as when a port is in use, or did not let
                      ///< go of files at a stop.
  kPermission = 77,   ///< EX_NOPERM.
  kConfig = 78,       ///< EX_CONFIG: the configuration, or what it names.
};

/// For main()'s return statement.
[[nodiscard]] constexpr int status(ExitCode code) noexcept { return static_cast<int>(code); }

}  // namespace sluiced::cli
