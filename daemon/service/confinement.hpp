#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "config/config.hpp"
#include "config/diagnostic.hpp"
#include "service/landlock.hpp"
#include "service/start_error.hpp"

namespace sluiced::service {

/// The files that a start was made with, beside those that its configuration names.
struct StartFiles {
  std::filesystem::path config;   ///< Empty: there is none.
  std::filesystem::path control;  ///< Of the control socket; empty: there is none.
  /// Whether the service manager is told how things are through an abstract unix socket.
  bool tells_abstract_socket = false;
};

/// What the process has kept for itself of the file system and of the system's other processes
/// (landlock(7)): to read the roots, what else the configuration names, and its own folder; to
/// write access logs; to make sockets where there are some. It holds for whatever a mistake in the
/// program, or somebody who has taken it over, may ask for, through the ring as well.
class Confinement {
 public:
  /// One thing that may be done at one place.
  struct Rule {
    std::filesystem::path path;
    landlock::Access access;

    friend bool operator==(const Rule&, const Rule&) = default;
  };
  /// All that a start with this configuration allows, in the order of the documentation.
  [[nodiscard]] static std::vector<Rule> rules(const config::Config& config,
                                               const StartFiles& files);

  /// Not confined.
  Confinement() = default;
  /// Confines the calling thread, and with it those that it makes from then on: no other may be
  /// there. Where that cannot be had, it is an error if the configuration requires it; else
  /// is_in_force() is false.
  [[nodiscard]] static std::expected<Confinement, StartError> enter(const config::Config& config,
                                                                    const StartFiles& files);

  [[nodiscard]] bool is_in_force() const noexcept { return abi_ > 0; }
  /// What `config` asks for that has not been kept: roots, pages, an access log, sockets. Each
  /// error has its place in the file, and says what to do. Looks at the file system; may be called
  /// from any thread.
  [[nodiscard]] std::vector<config::Diagnostic> refusals(const config::Config& config) const;
  /// "Landlock (version 7)", "no Landlock".
  [[nodiscard]] const std::string& describe() const noexcept { return description_; }
  /// A sentence, where it was asked for and is not to be had, that says why; else empty.
  [[nodiscard]] const std::string& lack() const noexcept { return lack_; }

 private:
  /// A rule that the kernel has taken, by the file that it holds on to.
  struct Kept {
    dev_t device;
    ino_t inode;
    landlock::Access access;
  };
  [[nodiscard]] std::expected<void, StartError> confine(int abi, const config::Config& config,
                                                        const StartFiles& files);
  [[nodiscard]] bool may(const std::filesystem::path& path, landlock::Access access) const;

  int abi_ = 0;
  std::string lack_;
  std::string description_ = "no Landlock";
  std::vector<Kept> kept_;
  // The kernel forgets a folder of /proc that nobody looks at, and makes a new one for who asks
  // next, of which no rule knows. An open one it keeps.
  sluice::UniqueFd proc_self_;
};

/// Why no Landlock is to be had, for an error of landlock::abi_version(), and what to do about it.
[[nodiscard]] std::string explain_no_landlock(const std::error_code& error);

}  // namespace sluiced::service
