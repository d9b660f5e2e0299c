#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connection.hpp"
#include "latencies.hpp"
#include "options.hpp"
#include "requests.hpp"

// The connections of a run, and what is done on them.
class Load {
 public:
  explicit Load(const Options& options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Asks until the time is over, or everything has been asked for and answered.
  void run();

  /// Connections that the server has not closed.
  [[nodiscard]] std::size_t open_connections() const;

  /// One line of JSON.
  void print() const;

 private:
  void open(std::size_t index);
  void start(std::size_t index);
  void start_due();
  void ask(std::size_t index, std::uint64_t began_ns);
  void set_busy(std::size_t index, bool busy);
  [[nodiscard]] bool reopen(std::size_t index);
  void handle(std::size_t index);
  void complete(std::size_t index);
  void fail(std::size_t index, const char* what, int error_number);
  void look_at_clock();
  [[nodiscard]] std::int64_t pause_ns() const;
  [[nodiscard]] bool finished() const;

  const Options& options_;
  Requests requests_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<bool> busy_;  // with a request, in the order of the connections
  int epoll_;
  Received received_;
  Latencies latencies_;
  std::map<std::string, std::uint64_t> errors_;
  std::uint64_t reconnects_ = 0;
  std::size_t started_ = 0;     // connections that have begun
  std::ptrdiff_t waiting_ = 0;  // connections that are busy
  std::uint64_t began_ns_ = 0;
  std::uint64_t until_ns_ = 0;  // no request begins later
  std::uint64_t end_ns_ = 0;    // no response is taken later
  std::uint64_t now_ns_ = 0;
  std::uint64_t cpu_ns_ = 0;
  // Of an open loop.
  std::deque<std::size_t> free_;
  std::deque<std::uint64_t> due_;  // when requests were due that have not been sent
  std::uint64_t next_due_ns_ = 0;
};
