#include "load.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <span>

#include "meter.h"

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
// With an open loop a server may be behind when the time is over. It is waited for that long.
constexpr std::uint64_t kDrainNs = 30 * kSecond;
// A run that fails so often says nothing.
constexpr std::uint64_t kMostErrors = 1000;
constexpr std::size_t kBufferBytes = 8 << 10;
constexpr std::size_t kPipelineBufferBytes = 64 << 10;
// Connections that are to be held are opened so many at a time: a server is to be seen at rest, not
// after a rush.
constexpr std::size_t kHoldAtOnce = 16;

}  // namespace

Load::Load(const Options& options)
    : options_(options),
      requests_(options),
      busy_(options.connections),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) {
    give_up("epoll_create1", errno);
  }
  const bool ranges = options.range_length != 0;
  for (unsigned count = 0; count < options.connections; ++count) {
    connections_.push_back(std::make_unique<Connection>(
        options.port, options.depth > 1 ? kPipelineBufferBytes : kBufferBytes, ranges,
        ranges ? options.range_length : options.length));
    if (!options.hold) {
      open(count);
    }
  }
}

Load::~Load() { ::close(epoll_); }

void Load::open(std::size_t index) {
  Connection& connection = *connections_[index];
  const int error = connection.connect();
  if (error != 0) {
    give_up("no connection", error);
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event) != 0) {
    give_up("epoll_ctl", errno);
  }
}

void Load::look_at_clock() { now_ns_ = clock_ns(CLOCK_MONOTONIC); }

void Load::run() {
  const std::uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  look_at_clock();
  began_ns_ = next_due_ns_ = now_ns_;
  until_ns_ = now_ns_ + static_cast<std::uint64_t>(options_.seconds * kSecond);
  end_ns_ = options_.rate != 0 ? until_ns_ + kDrainNs : until_ns_;
  started_ = options_.hold ? std::min(kHoldAtOnce, connections_.size()) : connections_.size();
  for (std::size_t index = 0; index < started_; ++index) {
    if (options_.rate != 0) {
      free_.push_back(index);
    } else {
      start(index);
    }
  }
  std::array<epoll_event, 256> events;
  while (!finished()) {
    start_due();
    const std::int64_t pause = pause_ns();
    const timespec timeout{.tv_sec = pause / static_cast<std::int64_t>(kSecond),
                           .tv_nsec = pause % static_cast<std::int64_t>(kSecond)};
    const int count =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (count < 0 && errno != EINTR) {
      give_up("epoll_pwait2", errno);
    }
    look_at_clock();
    for (const epoll_event& event :
         std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
      handle(event.data.u64);
    }
  }
  cpu_ns_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
}

bool Load::finished() const {
  if (now_ns_ >= end_ns_) {
    return true;
  }
  if (options_.rate != 0) {
    return next_due_ns_ >= until_ns_ && waiting_ == 0 && due_.empty();
  }
  return waiting_ == 0;
}

std::int64_t Load::pause_ns() const {
  const bool due = options_.rate != 0 && next_due_ns_ < until_ns_;
  const std::uint64_t next = due ? std::min(next_due_ns_, end_ns_) : end_ns_;
  return next > now_ns_ ? static_cast<std::int64_t>(next - now_ns_) : 0;
}

void Load::start_due() {
  if (options_.rate == 0) {
    return;
  }
  const std::uint64_t step = kSecond / options_.rate;
  while (next_due_ns_ <= now_ns_ && next_due_ns_ < until_ns_) {
    due_.push_back(next_due_ns_);
    next_due_ns_ += step;
  }
  while (!due_.empty() && !free_.empty()) {
    const std::size_t index = free_.front();
    const std::uint64_t began_ns = due_.front();
    free_.pop_front();
    due_.pop_front();
    ask(index, began_ns);
  }
}

// The next request of a closed loop, if there is one.
void Load::start(std::size_t index) {
  if (!requests_.used_up() && now_ns_ < until_ns_) {
    ask(index, 0);
  }
}

void Load::ask(std::size_t index, std::uint64_t began_ns) {
  // Before the clock is read: what the request takes to be made, eviction above all, is ours.
  const std::string_view text = requests_.next(index);
  if (began_ns == 0) {
    began_ns = clock_ns(CLOCK_MONOTONIC);
  }
  if (connections_[index]->fd() < 0) {
    open(index);
  }
  set_busy(index, true);
  const int error = connections_[index]->ask(text, options_.depth, began_ns);
  if (error != 0 && !reopen(index)) {
    fail(index, "send", error);
  }
}

// A server may end a connection between two requests, after so many of them for example, and then
// the second is for a new one (RFC 9112, 9.3.1). False: that is not what has happened.
bool Load::reopen(std::size_t index) {
  const bool busy = busy_[index];
  if (options_.hold || (busy && (options_.close || options_.once)) ||
      !connections_[index]->between_responses(options_.depth)) {
    return false;
  }
  const std::uint64_t began_ns = connections_[index]->began_ns();
  ++reconnects_;
  open(index);
  if (busy) {
    set_busy(index, false);
    ask(index, began_ns);
  }
  return true;
}

void Load::set_busy(std::size_t index, bool busy) {
  if (busy_[index] != busy) {
    busy_[index] = busy;
    waiting_ += busy ? 1 : -1;
  }
}

void Load::handle(std::size_t index) {
  Connection& connection = *connections_[index];
  if (connection.fd() < 0) {
    return;
  }
  const bool waited = connection.waits();
  const Outcome outcome = connection.receive(received_);
  if (waited && !connection.waits()) {
    // A response is done when its last byte is here, not when the turn began.
    latencies_.add(clock_ns(CLOCK_MONOTONIC) - connection.began_ns());
  }
  switch (outcome) {
    case Outcome::kMore:
      break;
    case Outcome::kComplete:
      if (!options_.close) {
        complete(index);
      }
      break;
    case Outcome::kEnded:
    case Outcome::kReset:
      if (options_.close && busy_[index] && !waited && outcome == Outcome::kEnded) {
        connection.close();
        complete(index);
      } else if (!reopen(index)) {
        fail(index, name_of(outcome), 0);
      }
      break;
    default:
      fail(index, name_of(outcome), 0);
  }
}

void Load::complete(std::size_t index) {
  set_busy(index, false);
  if (options_.hold) {
    if (started_ < connections_.size()) {
      start(started_++);
    }
    return;
  }
  if (options_.rate != 0) {
    free_.push_back(index);
    start_due();
  } else {
    start(index);
  }
}

// The request is given up, and the connection with it.
void Load::fail(std::size_t index, const char* what, int error_number) {
  std::uint64_t sum = 1;
  for (const auto& [name, count] : errors_) {
    sum += count;
  }
  ++errors_[what];
  if (sum == 1) {
    const std::string detail =
        error_number != 0 ? std::strerror(error_number) : connections_[index]->wrong_status();
    std::fprintf(stderr, "bench_http_client: the first error is '%s'%s%s, after %llu responses\n",
                 what, detail.empty() ? "" : ": ", detail.c_str(),
                 static_cast<unsigned long long>(received_.responses));
  }
  if (sum > kMostErrors) {
    give_up("too many errors", EIO);
  }
  if (options_.close) {
    connections_[index]->close();
  } else {
    open(index);
  }
  if (busy_[index]) {
    complete(index);
  }
}

std::size_t Load::open_connections() const {
  return static_cast<std::size_t>(std::ranges::count_if(connections_, [](const auto& connection) {
    char byte = 0;
    const ssize_t count = ::recv(connection->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && errno == EAGAIN;
  }));
}

void Load::print() const {
  std::uint64_t oldest_ns = 0;
  std::uint64_t unanswered = due_.size();
  for (const auto& connection : connections_) {
    if (connection->waits()) {
      ++unanswered;
      oldest_ns = std::max(oldest_ns, now_ns_ - std::min(now_ns_, connection->began_ns()));
    }
  }
  std::printf("{\"responses\": %llu, \"bytes\": %llu, \"wall_ns\": %llu, \"cpu_ns\": %llu, ",
              static_cast<unsigned long long>(received_.responses),
              static_cast<unsigned long long>(received_.body_bytes),
              static_cast<unsigned long long>(now_ns_ - began_ns_),
              static_cast<unsigned long long>(cpu_ns_));
  std::printf("\"p50_ns\": %llu, \"p99_ns\": %llu, \"p999_ns\": %llu, \"longest_ns\": %llu, ",
              static_cast<unsigned long long>(latencies_.percentile(0.5)),
              static_cast<unsigned long long>(latencies_.percentile(0.99)),
              static_cast<unsigned long long>(latencies_.percentile(0.999)),
              static_cast<unsigned long long>(latencies_.longest_ns()));
  std::printf("\"unanswered\": %llu, \"oldest_ns\": %llu, \"reconnects\": %llu, \"errors\": {",
              static_cast<unsigned long long>(unanswered),
              static_cast<unsigned long long>(oldest_ns),
              static_cast<unsigned long long>(reconnects_));
  const char* before = "";
  for (const auto& [what, count] : errors_) {
    std::printf("%s\"%s\": %llu", before, what.c_str(), static_cast<unsigned long long>(count));
    before = ", ";
  }
  std::puts("}}");
}
