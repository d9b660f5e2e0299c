// Usage: overflowing_ring BEFORE AFTER
//
// Makes the kernel hold completions back because the completion queue of a ring is full, then has
// operations wait because its submission queue is, and writes the metrics page of that ring before
// and after it to two files.
//
// sluiced cannot be brought to this, on purpose: it counts the room for completions, and accepts
// connections one at a time where its listener could complete more often than the queue has room.
// So this goes past the listener, and arms an accept on the smallest ring that completes once for
// each of more connections than the queue has entries. Nor does sluiced fill the smallest
// submission queue that it can be given: what it can answer at once takes no place there.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/unique_fd.hpp>

#include "admin/metrics_page.hpp"

namespace {

constexpr int kBacklog = 512;
constexpr unsigned kSubmissionEntries = 8;

/// Keeps the accepted connections, and learns when the accept has ended.
class Accepted final : public sluice::Waker {
 public:
  void wake(sluice::Completion completion) noexcept override {
    if (completion.result >= 0) {
      connections_.emplace_back(completion.result);
    }
    has_ended_ = completion.is_final();
  }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  [[nodiscard]] std::size_t count() const noexcept { return connections_.size(); }

 private:
  std::vector<sluice::UniqueFd> connections_;
  bool has_ended_ = false;
};

sluice::UniqueFd listen_on_loopback(sockaddr_in& address) {
  sluice::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), name, length) != 0 || ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), name, &length) != 0) {
    fd.reset();
  }
  return fd;
}

/// False after an error. Then, and only then, there are fewer than `count`.
bool connect_to(const sockaddr_in& address, std::size_t count,
                std::vector<sluice::UniqueFd>& clients) {
  while (clients.size() < count) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0) {
      return false;
    }
  }
  return true;
}

/// All that wait are accepted in the first turn. False when no overflow came of it.
bool overflow(sluice::Reactor& reactor) {
  sockaddr_in address{};
  const sluice::UniqueFd listener = listen_on_loopback(address);
  std::vector<sluice::UniqueFd> clients;
  if (!listener || !connect_to(address, 4 * reactor.ring().completion_capacity(), clients)) {
    std::perror("overflowing_ring: cannot connect to itself");
    return false;
  }
  Accepted accepted;
  sluice::Submission entry;
  entry.opcode = sluice::Opcode::accept;
  entry.fd = listener.get();
  entry.priority = 1;  // IORING_ACCEPT_MULTISHOT
  entry.operation_flags = SOCK_CLOEXEC;
  const auto id = reactor.register_operation(accepted, entry);
  if (!id) {
    return false;
  }
  reactor.wait(sluice::kForever);
  // The kernel has ended the accept when there was no room; else it is cancelled.
  reactor.cancel(*id);
  while (!accepted.has_ended()) {
    reactor.wait(sluice::kForever);
  }
  return accepted.count() > 0 && reactor.metrics().completion_overflows.value() > 0;
}

class Unheard final : public sluice::Waker {
 public:
  void wake(sluice::Completion /*completion*/) noexcept override {}
};

/// More operations at once than the queue has places; they are admitted turn by turn.
bool fill_submissions(sluice::Reactor& reactor, sluice::ExecutorMetrics& executor) {
  Unheard unheard;
  for (unsigned count = 0; count < 4 * reactor.ring().submission_capacity(); ++count) {
    if (!reactor.register_operation(unheard, {})) {
      return false;
    }
  }
  while (reactor.in_flight() > 0) {
    executor.turns.add();
    reactor.wait(sluice::kForever);
  }
  return reactor.metrics().submission_queue_full.value() > 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fputs("usage: overflowing_ring BEFORE AFTER\n", stderr);
    return 64;
  }
  auto ring = sluice::KernelRing::create(
      {.submission_entries = kSubmissionEntries, .completion_entries = 2 * kSubmissionEntries});
  if (!ring) {
    std::fputs("overflowing_ring: no io_uring here\n", stderr);
    return 69;
  }
  sluice::Reactor reactor(std::move(*ring));
  sluice::ExecutorMetrics executor;
  const sluiced::admin::MetricsPage page({{"0", &reactor.metrics(), &executor, nullptr}}, {}, {});
  std::ofstream(arguments[1]) << page.render();
  if (!overflow(reactor)) {
    std::fputs("overflowing_ring: the completion queue did not overflow\n", stderr);
    return 70;
  }
  if (!fill_submissions(reactor, executor)) {
    std::fputs("overflowing_ring: the submission queue was not used up\n", stderr);
    return 70;
  }
  std::ofstream(arguments[2]) << page.render();
  return 0;
}
