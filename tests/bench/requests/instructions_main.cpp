// Serves a file of 1 KiB to a client in another process and ends: what callgrind counts of it,
// for two numbers of requests, tells how many instructions one takes. One thread, so that valgrind
// can follow.
//
// Usage: bench_instructions DIRECTORY PATH CONNECTIONS ROUNDS [close]
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/task_scope.hpp>

#include "../../unit/daemon/hot_server.hpp"

// valgrind 3.19 does not know openat2(2), and a file that is never opened without waiting is never
// kept open: here it is openat(2), which is what it comes to for a plain name.
extern "C" long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) {
    argument = va_arg(list, long);
  }
  va_end(list);
  if (number == SYS_openat2) {
    const auto* how = reinterpret_cast<const open_how*>(arguments[2]);
    return ::openat(static_cast<int>(arguments[0]), reinterpret_cast<const char*>(arguments[1]),
                    static_cast<int>(how->flags));
  }
  errno = ENOSYS;
  return -1;
}

namespace {

using sluiced::serve_test::HotServer;

struct Load {
  std::string path;
  std::size_t connections;
  std::size_t rounds;
  bool closes;
};

bool connect_all(const sluice::SocketAddress& server, std::vector<int>& sockets) {
  for (int& socket : sockets) {
    socket = ::socket(server.family(), SOCK_STREAM, 0);
    if (::connect(socket, server.data(), server.size()) != 0) {
      return false;
    }
  }
  return true;
}

// The server ends a connection behind its response.
bool close_all(std::vector<int>& sockets) {
  return std::ranges::all_of(sockets, [](int socket) {
    char byte = 0;
    return ::recv(socket, &byte, 1, 0) == 0 && ::close(socket) == 0;
  });
}

// In each round every connection has one request underway, and is a new one if it is to close.
int be_client(const sluice::SocketAddress& server, const Load& load) {
  std::vector<int> sockets(load.connections);
  if (!load.closes && !connect_all(server, sockets)) {
    return 1;
  }
  const std::string request = "GET " + load.path + " HTTP/1.1\r\nHost: bench\r\n" +
                              (load.closes ? "Connection: close\r\n\r\n" : "\r\n");
  std::vector<char> buffer(std::size_t{256} * 1024);
  std::size_t response_bytes = 0;
  for (std::size_t round = 0; round < load.rounds; ++round) {
    if (load.closes && !connect_all(server, sockets)) {
      return 1;
    }
    for (const int socket : sockets) {
      if (::send(socket, request.data(), request.size(), 0) < 0) {
        return 1;
      }
    }
    for (const int socket : sockets) {
      std::size_t received = 0;
      while (received == 0 || received < response_bytes) {
        const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (count <= 0) {
          return 1;
        }
        received += static_cast<std::size_t>(count);
        if (response_bytes == 0) {
          const std::string head(buffer.data(), static_cast<std::size_t>(count));
          const auto length = head.find("Content-Length: ");
          if (!head.starts_with("HTTP/1.1 200 ") || length == std::string::npos) {
            return 1;
          }
          response_bytes = head.find("\r\n\r\n") + 4 + std::stoul(head.substr(length + 16));
        }
      }
    }
    if (load.closes && !close_all(sockets)) {
      return 1;
    }
  }
  return 0;
}

sluice::Task<void> serve(HotServer& server, const Load& load, int& status) {
  sluice::TaskScope serving(co_await sluice::current_context());
  serving.spawn(server.run());
  int ends[2];
  if (::pipe(ends) != 0) {
    std::exit(70);
  }
  const sluice::UniqueFd ended(ends[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(be_client(server.address(), load));
  }
  ::close(ends[1]);
  static_cast<void>(co_await sluice::Operation(sluice::PollRequest(ended.get(), 0)));
  ::waitpid(child, &status, 0);
  server.begin_drain();
  co_await serving.join();
}

}  // namespace

int main(int argc, char** argv) {
  const bool closes = argc == 6 && std::string_view(argv[5]) == "close";
  if (argc != 5 && !closes) {
    std::fputs("usage: bench_instructions DIRECTORY PATH CONNECTIONS ROUNDS [close]\n", stderr);
    return 64;
  }
  auto ring = sluice::KernelRing::create({.submission_entries = 256, .completion_entries = 1024});
  if (!ring) {
    std::fputs(ring.error().explanation.c_str(), stderr);
    return 71;
  }
  sluice::Reactor reactor(std::move(*ring));
  sluice::Executor executor(reactor);
  HotServer server(executor, argv[1]);
  int status = 1;
  executor.spawn(
      serve(server, {argv[2], std::stoul(argv[3]), std::stoul(argv[4]), closes}, status));
  executor.run();
  std::printf("%llu requests\n",
              static_cast<unsigned long long>(server.metrics().transfers_complete.value()));
  return status == 0 ? 0 : 70;
}
