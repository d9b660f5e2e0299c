#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/unique_fd.hpp>

#include "config/address.hpp"

namespace sluiced::service {

/// What the service manager keeps the sockets of a listener at `address` under (FDNAME= of
/// sd_notify(3)), other than any name of a listener. Empty where they are not kept: another start
/// would not find the port that the kernel chose for it, and has to make the file of a unix socket.
[[nodiscard]] std::string stored_name(const config::ListenAddress& address);

/// Listening sockets that the service manager handed over (sd_listen_fds(3)). They stay open over a
/// restart, so that no client is refused meanwhile. Either it made them: then each has the name of
/// the listener it is for, which a .socket unit gives with FileDescriptorName=. Or an earlier run
/// of this service made them and had them stored: then they belong to an address.
class InheritedSockets {
 public:
  /// None.
  InheritedSockets() = default;
  /// From LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID, which are taken out of the environment. The
  /// descriptors are not passed on to anybody else. Before any thread is made, and before anything
  /// else is opened. The error is a sentence that names what was handed over and is no listening
  /// stream socket.
  [[nodiscard]] static std::expected<InheritedSockets, std::string> from_environment();

  /// Duplicates of those called `name`, in their order. They themselves stay here: a listener that
  /// goes when the configuration changes, and later comes back, gets them again. None when there is
  /// no descriptor left for them.
  [[nodiscard]] std::vector<sluice::UniqueFd> take(std::string_view name);

  /// Whether the manager made any that are called `name`.
  [[nodiscard]] bool has(std::string_view name) const noexcept;

  /// Those that were stored under `name`, which is a stored_name(); they are no longer here.
  [[nodiscard]] std::vector<sluice::UniqueFd> take_stored(std::string_view name);

  /// Closes what was stored under other names than those of `kept`, and returns these names, each
  /// once: the manager still holds the sockets.
  [[nodiscard]] std::vector<std::string> drop_stored(const std::vector<std::string>& kept);

  /// The names of those that the manager made and nobody has taken.
  [[nodiscard]] std::vector<std::string> left() const;

 private:
  struct Socket {
    std::string name;
    sluice::UniqueFd fd;
    bool is_taken = false;
  };
  std::vector<Socket> sockets_;
};

}  // namespace sluiced::service
