#include "service/inherited_sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "service/environment.hpp"

namespace sluiced::service {
namespace {

constexpr int kFirstFd = 3;       // SD_LISTEN_FDS_START
constexpr unsigned kMost = 1024;  // nobody has so many listeners
// No name of a listener has a dot.
constexpr std::string_view kStoredPrefix = "stored.";

bool is_number(const std::string& text, unsigned long expected) noexcept {
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value == expected;
}

bool has_option(int fd, int option, int expected) noexcept {
  int value = 0;
  socklen_t bytes = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 && value == expected;
}

bool is_stored(std::string_view name) noexcept { return name.starts_with(kStoredPrefix); }

}  // namespace

std::string stored_name(const config::ListenAddress& address) {
  if (address.family == config::ListenAddress::Family::kUnix || address.port == 0) {
    return "";
  }
  // LISTEN_FDNAMES has colons between the names.
  std::string name(kStoredPrefix);
  name += to_string(address);
  std::ranges::replace(name, ':', '_');
  return name;
}

std::expected<InheritedSockets, std::string> InheritedSockets::from_environment() {
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count_text = take_variable("LISTEN_FDS");
  std::string names = take_variable("LISTEN_FDNAMES");
  InheritedSockets inherited;
  if (count_text.empty() || !is_number(pid, static_cast<unsigned long>(::getpid()))) {
    return inherited;  // nothing, or meant for another process
  }
  unsigned count = 0;
  const char* end = count_text.data() + count_text.size();
  if (std::from_chars(count_text.data(), end, count).ptr != end || count > kMost) {
    return std::unexpected("LISTEN_FDS is '" + count_text + "', which is no number of sockets");
  }
  for (unsigned index = 0; index < count; ++index) {
    const auto colon = names.find(':');
    std::string name = names.substr(0, colon);
    names = colon == std::string::npos ? "" : names.substr(colon + 1);
    const int fd = kFirstFd + static_cast<int>(index);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !has_option(fd, SO_TYPE, SOCK_STREAM) ||
        !has_option(fd, SO_ACCEPTCONN, 1)) {
      return std::unexpected("descriptor " + std::to_string(fd) + " ('" + name +
                             "'), handed over by the service manager, is no listening stream "
                             "socket; see ListenStream= in systemd.socket(5)");
    }
    inherited.sockets_.push_back({.name = std::move(name), .fd = sluice::UniqueFd(fd)});
  }
  return inherited;
}

std::vector<sluice::UniqueFd> InheritedSockets::take(std::string_view name) {
  std::vector<sluice::UniqueFd> taken;
  for (Socket& socket : sockets_) {
    if (socket.name != name) {
      continue;
    }
    socket.is_taken = true;
    sluice::UniqueFd duplicate(::fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 0));
    if (duplicate) {
      taken.push_back(std::move(duplicate));
    }
  }
  return taken;
}

bool InheritedSockets::has(std::string_view name) const noexcept {
  return std::ranges::any_of(sockets_, [name](const Socket& each) { return each.name == name; });
}

std::vector<sluice::UniqueFd> InheritedSockets::take_stored(std::string_view name) {
  std::vector<sluice::UniqueFd> taken;
  if (!is_stored(name)) {
    return taken;
  }
  for (Socket& socket : sockets_) {
    if (socket.name == name) {
      taken.push_back(std::move(socket.fd));
    }
  }
  std::erase_if(sockets_, [name](const Socket& socket) { return socket.name == name; });
  return taken;
}

std::vector<std::string> InheritedSockets::drop_stored(const std::vector<std::string>& kept) {
  std::vector<std::string> dropped;
  std::erase_if(sockets_, [&](const Socket& socket) {
    if (!is_stored(socket.name) || std::ranges::find(kept, socket.name) != kept.end()) {
      return false;
    }
    if (std::ranges::find(dropped, socket.name) == dropped.end()) {
      dropped.push_back(socket.name);
    }
    return true;
  });
  return dropped;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> names;
  for (const Socket& socket : sockets_) {
    if (!socket.is_taken && !is_stored(socket.name)) {
      names.push_back(socket.name);
    }
  }
  return names;
}

}  // namespace sluiced::service
