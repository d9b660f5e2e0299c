#include "service/control_socket.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

#include <sluice/listener.hpp>
#include <sluice/socket.hpp>
#include <sluice/socket_address.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "text/printable.hpp"

namespace sluiced::service {
namespace {

using namespace std::chrono_literals;

// How long a client may take to ask, and to take the answer.
constexpr sluice::Duration kClientLimit = 5s;
// Of those who have not got their answer. The next one waits for one of them.
constexpr std::size_t kMostClients = 8;

// What is asked for; empty when nothing comes, or more than a line.
sluice::Task<std::string> read_line(const sluice::Socket& client) {
  std::string line;
  std::array<char, kLongestControlLine> buffer;
  while (line.size() < kLongestControlLine) {
    const auto count = co_await client.receive(std::as_writable_bytes(std::span(buffer)));
    if (!count || *count == 0) {
      break;
    }
    line.append(buffer.data(), *count);
    if (const auto end = line.find('\n'); end != std::string::npos) {
      line.resize(end);
      co_return line;
    }
  }
  co_return std::string();
}

sluice::Task<void> answer_client(const sluice::Socket& client, const ControlVerbs& verbs) {
  sluice::Deadline limit(co_await sluice::current_context());
  limit.set(sluice::Clock::now() + kClientLimit);
  const std::string verb = co_await read_line(client).within(limit.scope());
  ControlAnswer answer;
  const auto known = std::ranges::find(verbs, verb, &ControlVerb::name);
  if (known != verbs.end()) {
    answer = co_await known->answer();
  } else if (!verb.empty()) {
    answer = {cli::ExitCode::kUsage, "the daemon does not know " + text::in_quotes(verb) + "\n"};
  } else {
    co_return;
  }
  limit.set(sluice::Clock::now() + kClientLimit);
  const std::string reply = std::to_string(cli::status(answer.code)) + "\n" + answer.text;
  static_cast<void>(
      co_await client.send_all(std::as_bytes(std::span(reply))).within(limit.scope()));
}

sluice::Task<void> keep_client(sluice::Socket client, const ControlVerbs& verbs) {
  co_await answer_client(client, verbs);
}

}  // namespace

std::expected<sluice::UniqueFd, StartError> listen_for_control(const std::filesystem::path& path) {
  const auto cannot = [&path](const std::error_code& error) {
    return std::unexpected(StartError{
        error == std::errc::permission_denied ? cli::ExitCode::kPermission
                                              : cli::ExitCode::kOsError,
        "cannot make the control socket " +
            text::in_quotes(path.native(), text::kLongestQuotedPath) + ": " + error.message() +
            "; choose another place with --control, or --control off"});
  };
  const auto address = sluice::SocketAddress::unix_path(path.native());
  if (!address) {
    return cannot(address.error());
  }
  sluice::ListenOptions options;
  options.backlog = 16;
  options.unix_mode = 0600;
  auto socket = sluice::Listener::listen(*address, options);
  if (!socket) {
    return cannot(socket.error());
  }
  return std::move(*socket);
}

sluice::Task<void> serve_control(sluice::UniqueFd socket, const ControlVerbs& verbs) {
  const sluice::TaskContext context = co_await sluice::current_context();
  sluice::Listener listener(*context.executor, std::move(socket));
  sluice::TaskScope clients(context);
  while (true) {
    auto client = co_await listener.accept();
    if (!client) {
      break;
    }
    if (clients.alive() < kMostClients) {
      clients.spawn(keep_client(std::move(*client), verbs));
    } else {
      co_await answer_client(*client, verbs);
    }
  }
  co_await listener.close();
  co_await clients.join();
}

}  // namespace sluiced::service
