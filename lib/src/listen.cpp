// How Listener::listen() makes a socket.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include <sluice/listener.hpp>

namespace sluice {
namespace {

// A unix socket's file outlives its process. It may be replaced when nobody answers on it.
void remove_if_stale(const SocketAddress& address) noexcept {
  const auto* name = reinterpret_cast<const sockaddr_un*>(address.data());
  struct stat found{};
  if (name->sun_path[0] == '\0' || ::lstat(name->sun_path, &found) != 0 ||
      !S_ISSOCK(found.st_mode)) {
    return;
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe && ::connect(probe.get(), address.data(), address.size()) != 0 &&
      errno == ECONNREFUSED) {
    ::unlink(name->sun_path);
  }
}

}  // namespace

Result<UniqueFd> Listener::listen(const SocketAddress& address, const ListenOptions& options) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return failure(errno);
  }
  const auto set = [&fd](int level, int name, int value) {
    return ::setsockopt(fd.get(), level, name, &value, sizeof(value)) == 0;
  };
  if (address.is_unix()) {
    remove_if_stale(address);
  } else {
    // A restart must not wait for the connections of the last process to leave TIME_WAIT.
    if (!set(SOL_SOCKET, SO_REUSEADDR, 1) ||
        (options.reuse_port && !set(SOL_SOCKET, SO_REUSEPORT, 1)) ||
        (address.family() == AF_INET6 &&
         !set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0))) {
      return failure(errno);
    }
  }
  if (::bind(fd.get(), address.data(), address.size()) != 0) {
    return failure(errno);
  }
  if (address.is_unix()) {
    const auto* name = reinterpret_cast<const sockaddr_un*>(address.data());
    if (name->sun_path[0] != '\0' && ::chmod(name->sun_path, options.unix_mode) != 0) {
      return failure(errno);
    }
  }
  if (::listen(fd.get(), options.backlog) != 0) {
    return failure(errno);
  }
  return fd;
}

}  // namespace sluice
