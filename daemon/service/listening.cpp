#include "service/listening.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <sluice/listener.hpp>
#include <sluice/socket_address.hpp>

namespace sluiced::service {
namespace {

sluice::Result<sluice::SocketAddress> socket_address(const config::ListenAddress& address,
                                                     std::uint16_t port) {
  if (address.family == config::ListenAddress::Family::kUnix) {
    return sluice::SocketAddress::unix_path(address.path);
  }
  char text[INET6_ADDRSTRLEN] = {};
  const bool is_v4 = address.family == config::ListenAddress::Family::kIpv4;
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, address.ip.data(), text, sizeof(text));
  return sluice::SocketAddress::ip(text, port);
}

StartError cannot_listen(const config::Listener& listener, const std::error_code& error) {
  std::string message = "cannot listen on " + to_string(listener.address) + " (listener '" +
                        listener.name + "'): " + error.message();
  if (error == std::errc::address_in_use) {
    message += "; stop what is using it, or choose another address";
  } else if (error == std::errc::permission_denied) {
    message += "; ports below 1024 need CAP_NET_BIND_SERVICE, unix sockets a directory to write to";
  }
  const bool is_permission = error == std::errc::permission_denied;
  return {is_permission ? cli::ExitCode::kPermission : cli::ExitCode::kOsError, message};
}

// A process that dies with an accept in its ring holds the address until the kernel has taken the
// ring down, some milliseconds after it is gone. A restart waits for that.
sluice::Result<sluice::UniqueFd> listen_patiently(const sluice::SocketAddress& address,
                                                  const sluice::ListenOptions& options) {
  constexpr int kAttempts = 20;
  constexpr auto kPause = std::chrono::milliseconds(10);
  for (int attempt = 1;; ++attempt) {
    auto fd = sluice::Listener::listen(address, options);
    if (fd || fd.error() != std::errc::address_in_use || attempt == kAttempts) {
      return fd;
    }
    std::this_thread::sleep_for(kPause);
  }
}

// At least one socket for each shard.
sluice::Result<std::vector<sluice::UniqueFd>> share(std::vector<sluice::UniqueFd> sockets,
                                                    unsigned count) {
  for (std::size_t index = 0; sockets.size() < count; ++index) {
    sockets.emplace_back(::fcntl(sockets[index].get(), F_DUPFD_CLOEXEC, 0));
    if (!sockets.back()) {
      return sluice::failure(errno);
    }
  }
  return sockets;
}

// One socket for each shard; a unix socket cannot be bound twice.
sluice::Result<std::vector<sluice::UniqueFd>> make_sockets(const config::Listener& listener,
                                                           unsigned count) {
  sluice::ListenOptions options;
  options.backlog = static_cast<int>(listener.backlog);
  options.reuse_port = count > 1;
  options.ipv6_only = !listener.address.is_dual_stack();
  std::vector<sluice::UniqueFd> sockets;
  std::uint16_t port = listener.address.port;
  const bool is_unix = listener.address.family == config::ListenAddress::Family::kUnix;
  for (unsigned index = 0; index < (is_unix ? 1 : count); ++index) {
    const auto address = socket_address(listener.address, port);
    if (!address) {
      return std::unexpected(address.error());
    }
    auto fd = listen_patiently(*address, options);
    if (!fd) {
      return std::unexpected(fd.error());
    }
    port = sluice::SocketAddress::local_of(fd->get())->port();
    sockets.push_back(std::move(*fd));
  }
  return sockets;
}

// A port that another process holds with SO_REUSEPORT, under the same user, would be shared with it
// in silence. Binding once without the option finds out.
sluice::Result<void> check_free(const config::Listener& listener) {
  if (listener.address.family == config::ListenAddress::Family::kUnix ||
      listener.address.port == 0) {
    return {};
  }
  const auto address = socket_address(listener.address, listener.address.port);
  if (!address) {
    return std::unexpected(address.error());
  }
  sluice::ListenOptions options;
  options.ipv6_only = !listener.address.is_dual_stack();
  const auto probe = listen_patiently(*address, options);
  if (!probe) {
    return std::unexpected(probe.error());
  }
  return {};
}

sluice::Result<std::vector<sluice::UniqueFd>> bind_sockets(const config::Listener& listener,
                                                           unsigned count) {
  if (const auto free = check_free(listener); !free) {
    return std::unexpected(free.error());
  }
  return make_sockets(listener, count);
}

// Those that an earlier run bound; its backlog may have been another.
sluice::Result<std::vector<sluice::UniqueFd>> take_up(const config::Listener& listener,
                                                      std::vector<sluice::UniqueFd> stored) {
  for (const sluice::UniqueFd& fd : stored) {
    if (::listen(fd.get(), static_cast<int>(listener.backlog)) != 0) {
      return sluice::failure(errno);
    }
  }
  return stored;
}

sluice::Result<std::vector<sluice::UniqueFd>> open_sockets(OpenListener& made, unsigned count,
                                                           InheritedSockets& inherited) {
  auto handed_over = inherited.take(made.options.name);
  made.is_inherited = !handed_over.empty();
  if (made.is_inherited) {
    return handed_over;
  }
  made.stored_as = stored_name(made.options.address);
  auto stored = inherited.take_stored(made.stored_as);
  made.kept_sockets = stored.size();
  return stored.empty() ? bind_sockets(made.options, count)
                        : take_up(made.options, std::move(stored));
}

}  // namespace

std::expected<Intake, StartError> listen_on(const std::vector<config::Listener>& listeners,
                                            unsigned shard_count, InheritedSockets& inherited,
                                            std::size_t first_id) {
  Intake intake;
  intake.by_shard.resize(shard_count);
  for (std::size_t index = 0; index < listeners.size(); ++index) {
    const config::Listener& listener = listeners[index];
    OpenListener& made = intake.listeners.emplace_back();
    made.id = first_id + index;
    made.options = listener;
    auto sockets = open_sockets(made, shard_count, inherited);
    const bool is_shared = sockets && sockets->size() < shard_count;
    if (is_shared) {
      sockets = share(std::move(*sockets), shard_count);
    }
    if (!sockets) {
      intake.listeners.pop_back();
      std::ranges::for_each(intake.listeners, remove_socket_file);
      return std::unexpected(cannot_listen(listener, sockets.error()));
    }
    const auto bound = sluice::SocketAddress::local_of(sockets->front().get());
    if (bound->is_unix()) {
      made.url = bound->to_string();
      if (!made.is_inherited) {
        made.unix_path = listener.address.path;
      }
    } else {
      made.url = "http://" + bound->to_string() + "/";
    }
    made.limit = std::make_shared<serve::ConnectionLimit>(listener.max_connections, shard_count);
    for (std::size_t place = 0; place < sockets->size(); ++place) {
      intake.by_shard[place % shard_count].push_back({.fd = std::move((*sockets)[place]),
                                                      .id = made.id,
                                                      .index = index,
                                                      .name = listener.name,
                                                      .limit = made.limit,
                                                      .is_shared = is_shared});
    }
  }
  return intake;
}

void remove_socket_file(const OpenListener& listener) noexcept {
  if (!listener.unix_path.empty()) {
    ::unlink(listener.unix_path.c_str());
  }
}

}  // namespace sluiced::service
