#include "service/service_manager.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "service/environment.hpp"

namespace sluiced::service {
namespace {

constexpr std::size_t kMostFds = 253;  // in one message: SCM_MAX_FD of unix(7)
constexpr int kSettleLimitMs = 5'000;

std::optional<std::uint64_t> number(const std::string& text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty()
             ? std::optional(value)
             : std::nullopt;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  const std::string path = take_variable("NOTIFY_SOCKET");
  const auto watchdog_us = number(take_variable("WATCHDOG_USEC"));
  const auto watchdog_pid = number(take_variable("WATCHDOG_PID"));
  ServiceManager manager;
  // An absolute path, or an abstract name behind an '@'. What is neither, or too long, is nothing
  // that systemd gives.
  if (path.size() < 2 || (path[0] != '/' && path[0] != '@') ||
      path.size() >= sizeof(manager.address_.sun_path)) {
    return manager;
  }
  manager.address_.sun_family = AF_UNIX;
  std::memcpy(manager.address_.sun_path, path.data(), path.size());
  if (path[0] == '@') {
    manager.address_.sun_path[0] = '\0';
  }
  manager.address_bytes_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  manager.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool is_for_us = !watchdog_pid || *watchdog_pid == static_cast<std::uint64_t>(::getpid());
  if (watchdog_us && *watchdog_us > 0 && is_for_us) {
    manager.watchdog_ = std::chrono::microseconds(*watchdog_us);
  }
  return manager;
}

void ServiceManager::send(std::string_view message, std::span<const int> fds) const noexcept {
  if (!socket_) {
    return;
  }
  fds = fds.first(std::min(fds.size(), kMostFds));
  iovec text{const_cast<char*>(message.data()), message.size()};
  msghdr datagram{};
  datagram.msg_name = const_cast<sockaddr_un*>(&address_);
  datagram.msg_namelen = address_bytes_;
  datagram.msg_iov = &text;
  datagram.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> control{};
  if (!fds.empty()) {
    datagram.msg_control = control.data();
    datagram.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&datagram);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  }
  static_cast<void>(::sendmsg(socket_.get(), &datagram, MSG_NOSIGNAL));
}

void ServiceManager::ready(std::string_view status) const noexcept {
  send("READY=1\nSTATUS=" + std::string(status) + "\n");
}

// In one datagram with the time at which it began: for Type=notify-reload one without the other
// does not count.
void ServiceManager::reloading() const noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t now_us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_us) + "\n");
}

void ServiceManager::stopping(std::string_view status) const noexcept {
  send("STOPPING=1\nSTATUS=" + std::string(status) + "\n");
}

void ServiceManager::say(std::string_view status) const noexcept {
  send("STATUS=" + std::string(status) + "\n");
}

void ServiceManager::extend_timeout(std::chrono::microseconds more) const noexcept {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(more.count()) + "\n");
}

void ServiceManager::feed_watchdog() const noexcept { send("WATCHDOG=1\n"); }

void ServiceManager::store(std::string_view name, std::span<const int> sockets) const noexcept {
  const std::string message = "FDSTORE=1\nFDNAME=" + std::string(name) + "\n";
  while (!sockets.empty()) {
    const auto next = sockets.first(std::min(sockets.size(), kMostFds));
    send(message, next);
    sockets = sockets.subspan(next.size());
  }
}

void ServiceManager::forget(std::string_view name) const noexcept {
  send("FDSTOREREMOVE=1\nFDNAME=" + std::string(name) + "\n");
}

// The manager closes its end of a pipe when it comes to the message, which is after those before
// it.
void ServiceManager::settle() const noexcept {
  std::array<int, 2> ends{};
  if (!socket_ || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return;
  }
  const sluice::UniqueFd read_end(ends[0]);
  sluice::UniqueFd write_end(ends[1]);
  send("BARRIER=1", {&ends[1], 1});
  write_end.reset();
  pollfd closed{read_end.get(), 0, 0};
  while (::poll(&closed, 1, kSettleLimitMs) < 0 && errno == EINTR) {
  }
}

}  // namespace sluiced::service
