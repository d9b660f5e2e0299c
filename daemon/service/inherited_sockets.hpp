#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/unique_fd.hpp>

namespace sluiced::service {

/// Listening sockets that the service manager made and handed over (sd_listen_fds(3)): each has the
/// name of the listener it is for, which a .socket unit gives with FileDescriptorName=. They stay
/// open over a restart, so that no client is refused meanwhile.
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

  /// The names of those that nobody has taken.
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
