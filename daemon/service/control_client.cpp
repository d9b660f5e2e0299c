#include "service/control_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <sluice/socket_address.hpp>
#include <sluice/unique_fd.hpp>

#include "text/printable.hpp"

namespace sluiced::service {
namespace {

// A root on a disk that has to wake up first takes its time.
constexpr timeval kAnswerLimit{.tv_sec = 80, .tv_usec = 0};
// A status of a thousand connections and as many shards.
constexpr std::size_t kMostAnswerBytes = std::size_t{16} << 20U;

ControlAnswer nobody(const std::filesystem::path& path, const std::string& why) {
  return {cli::ExitCode::kUnavailable,
          "no answer at the control socket " +
              text::in_quotes(path.native(), text::kLongestQuotedPath) + ": " + why + "\n"};
}

std::string reason(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

}  // namespace

std::filesystem::path default_control_path() {
  const char* folders = std::getenv("RUNTIME_DIRECTORY");
  if (folders == nullptr || *folders != '/') {
    return {};
  }
  // systemd.exec(5): several folders have colons between them.
  const std::string_view all = folders;
  return std::filesystem::path(all.substr(0, all.find(':'))) / "control.sock";
}

ControlAnswer ask_daemon(const std::filesystem::path& path, std::string_view verb) {
  const auto address = sluice::SocketAddress::unix_path(path.native());
  if (!address) {
    return nobody(path, address.error().message());
  }
  const sluice::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), address->data(), address->size()) != 0) {
    const int error = errno;
    return nobody(path, reason(error) + "; is sluiced running, with this control socket?");
  }
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof(kAnswerLimit));
  const std::string line = std::string(verb) + "\n";
  if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return nobody(path, reason(errno));
  }
  std::string reply;
  std::array<char, 4096> buffer;
  while (reply.size() < kMostAnswerBytes) {
    const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return nobody(path, errno == EAGAIN ? "it takes too long" : reason(errno));
    }
    if (count == 0) {
      break;
    }
    reply.append(buffer.data(), static_cast<std::size_t>(count));
  }
  int code = 0;
  const std::size_t end = reply.find('\n');
  const auto parsed = std::from_chars(reply.data(), reply.data() + reply.size(), code);
  if (end == std::string::npos || parsed.ptr != reply.data() + end) {
    return nobody(path, "the daemon ended the connection; see its log");
  }
  return {static_cast<cli::ExitCode>(code), reply.substr(end + 1)};
}

}  // namespace sluiced::service
