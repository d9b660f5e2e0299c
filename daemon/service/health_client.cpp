#include "service/health_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <sluice/socket_address.hpp>
#include <sluice/unique_fd.hpp>

#include "text/printable.hpp"

namespace sluiced::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kScheme = "http://";
constexpr std::size_t kMostHeadBytes = 4096;

std::string reason(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

/// `localhost` as an address, and a port where there is none.
std::string complete_authority(std::string_view authority) {
  constexpr std::string_view localhost = "localhost";
  std::string out(authority);
  if (authority == localhost || authority.starts_with("localhost:")) {
    out.replace(0, localhost.size(), "127.0.0.1");
  }
  const std::size_t colon = out.rfind(':');
  if (colon == std::string::npos || out.ends_with(']')) {
    out += ":80";
  }
  return out;
}

sluice::Result<sluice::SocketAddress> socket_address(const config::ListenAddress& address) {
  if (address.family == config::ListenAddress::Family::kUnix) {
    return sluice::SocketAddress::unix_path(address.path);
  }
  // Who listens on every address listens on this one.
  const std::string host = address.is_wildcard() ? "127.0.0.1" : address.host();
  return sluice::SocketAddress::ip(host, address.port);
}

/// One connection with a deadline for all that is done with it.
class Asker {
 public:
  explicit Asker(milliseconds limit) : deadline_(steady_clock::now() + limit), limit_(limit) {}

  std::expected<std::string, std::string> ask(const sluice::SocketAddress& address,
                                              const std::string& request) {
    socket_.reset(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) {
      return std::unexpected("no socket: " + reason(errno));
    }
    if (const int error = connect(address); error != 0) {
      return std::unexpected("cannot connect: " + explain(error));
    }
    // So few bytes always fit into an empty send buffer.
    if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      return std::unexpected("cannot ask: " + reason(errno));
    }
    return receive_status_line();
  }

 private:
  int connect(const sluice::SocketAddress& address) {
    if (::connect(socket_.get(), address.data(), address.size()) == 0) {
      return 0;
    }
    // EAGAIN: the queue of a unix socket is full.
    if (errno != EINPROGRESS) {
      return errno;
    }
    if (!wait_for(POLLOUT)) {
      return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  std::expected<std::string, std::string> receive_status_line() {
    std::string head;
    std::array<char, 1024> buffer;
    while (head.find("\r\n") == std::string::npos && head.size() < kMostHeadBytes) {
      if (!wait_for(POLLIN)) {
        return std::unexpected(explain(ETIMEDOUT));
      }
      const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        continue;
      }
      if (count <= 0) {
        return std::unexpected(count < 0 ? reason(errno) : "the connection ended without answer");
      }
      head.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return head.substr(0, head.find("\r\n"));
  }

  bool wait_for(short events) {
    pollfd what{socket_.get(), events, 0};
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
      if (left.count() <= 0) {
        return false;
      }
      const int ready = ::poll(&what, 1, static_cast<int>(left.count()));
      if (ready >= 0 || errno != EINTR) {
        return ready > 0;
      }
    }
  }

  [[nodiscard]] std::string explain(int error) const {
    return error == ETIMEDOUT ? fmt::format("no answer within {} ms", limit_.count())
                              : reason(error);
  }

  steady_clock::time_point deadline_;
  milliseconds limit_;
  sluice::UniqueFd socket_;
};

}  // namespace

std::expected<HealthTarget, std::string> parse_health_url(std::string_view url,
                                                          std::string_view path) {
  HealthTarget target;
  std::string address(url);
  target.path = path;
  if (url.starts_with(kScheme)) {
    const std::string_view rest = url.substr(kScheme.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    address = complete_authority(rest.substr(0, slash));
    if (rest.size() - slash > 1) {
      target.path = rest.substr(slash);
    }
  } else if (!url.starts_with("unix:")) {
    return std::unexpected(text::in_quotes(url) + " is neither http://ADDRESS:PORT nor unix:/path");
  }
  if (target.path.find_first_of(" \t\r\n") != std::string::npos) {
    return std::unexpected(text::in_quotes(url) + " holds white space");
  }
  auto parsed = config::parse_listen_address(address);
  if (!parsed) {
    return std::unexpected(std::move(parsed.error()));
  }
  target.address = *std::move(parsed);
  return target;
}

std::expected<HealthTarget, std::string> health_target_of(const config::Config& config,
                                                          std::string_view path) {
  if (!config.admin.listen) {
    return std::unexpected("the configuration switches the admin listener off (admin.listen)");
  }
  if (!config.admin.health) {
    return std::unexpected("the configuration switches " + std::string(path) +
                           " off (admin.health)");
  }
  const bool has_port = config.admin.listen->family == config::ListenAddress::Family::kUnix ||
                        config.admin.listen->port != 0;
  if (!has_port) {
    return std::unexpected(
        "the configuration leaves the port of the admin listener to the kernel: name it with "
        "--url");
  }
  return HealthTarget{*config.admin.listen, std::string(path)};
}

std::expected<std::string, std::string> ask_health(const HealthTarget& target, milliseconds limit) {
  const std::string where =
      text::printable(config::to_string(target.address)) + ' ' + text::printable(target.path);
  const auto address = socket_address(target.address);
  if (!address) {
    return std::unexpected(where + ": " + address.error().message());
  }
  const auto answer = Asker(limit).ask(
      *address, "GET " + target.path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  if (!answer) {
    return std::unexpected(where + ": " + answer.error());
  }
  std::string said = where + ": " + text::printable(text::clipped(*answer, 80));
  if (answer->starts_with("HTTP/1.1 200 ") || *answer == "HTTP/1.1 200") {
    return said;
  }
  return std::unexpected(said);
}

}  // namespace sluiced::service
