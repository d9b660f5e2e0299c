#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include <sluice/unique_fd.hpp>

namespace sluiced::service {

/// What started the daemon and watches over it, if it speaks the protocol of sd_notify(3): systemd,
/// as a rule. It is told how the daemon is in datagrams to $NOTIFY_SOCKET. Without one, nothing is
/// said. Nothing here fails, and but for settle() nothing waits: what the other side does not take
/// is lost.
class ServiceManager {
 public:
  /// Nobody.
  ServiceManager() = default;
  /// From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are taken out of the environment:
  /// they are not for anybody else. Before any thread is made.
  [[nodiscard]] static ServiceManager from_environment();

  [[nodiscard]] bool is_there() const noexcept { return static_cast<bool>(socket_); }

  /// Connections are accepted. `status` is a line for people, as in `systemctl status`.
  void ready(std::string_view status) const noexcept;
  /// The configuration is being read again; ready() says that this is over, however it went.
  void reloading() const noexcept;
  /// The daemon has begun to stop.
  void stopping(std::string_view status) const noexcept;
  void say(std::string_view status) const noexcept;
  /// Stopping takes longer than was allowed for, at least until `more` from now has passed.
  void extend_timeout(std::chrono::microseconds more) const noexcept;
  /// The daemon is alive.
  void feed_watchdog() const noexcept;

  /// Whether the datagrams go to an address that is no file (unix(7), abstract).
  [[nodiscard]] bool has_abstract_address() const noexcept {
    return is_there() && address_.sun_path[0] == '\0';
  }

  /// The manager is to hold `sockets` open, beside the daemon, until the service is stopped, and to
  /// hand them to the next run under `name` (FDSTORE=1). What it holds already it holds once.
  void store(std::string_view name, std::span<const int> sockets) const noexcept;
  /// It is to close what it holds under `name`.
  void forget(std::string_view name) const noexcept;
  /// Blocks until it has done what it was told before, for some seconds at the most (BARRIER=1).
  void settle() const noexcept;

  /// How long the daemon may be silent before it is taken for hung; nullopt: for ever.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const noexcept {
    return watchdog_;
  }

 private:
  void send(std::string_view message, std::span<const int> fds = {}) const noexcept;

  sluice::UniqueFd socket_;
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace sluiced::service
