#include <unistd.h>

#include <cstdio>

#include <sluice/file_requests.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>

// Is told what came of the operation. It lives until then.
class Printer final : public sluice::Waker {
 public:
  void wake(sluice::Completion completion) noexcept override {
    std::printf("completed with %d\n", completion.result);
  }
};

int main() {
  auto ring = sluice::KernelRing::create({});
  int ends[2] = {-1, -1};
  if (!ring || ::pipe(ends) != 0) {
    std::fprintf(stderr, "%s\n", ring ? "no pipe" : ring.error().explanation.c_str());
    return 69;
  }
  const sluice::UniqueFd from(ends[0]);
  const sluice::UniqueFd to(ends[1]);
  sluice::Reactor reactor(std::move(*ring));
  std::array<std::byte, 16> buffer;
  Printer printer;

  // The waker is filed before the kernel sees the entry: no completion can come too early.
  auto id =
      reactor.register_operation(printer, sluice::ReadRequest(from.get(), buffer, 0).prepare());
  if (!id || ::write(to.get(), "hello", 5) != 5) {
    return 1;
  }
  reactor.wait(sluice::kForever);  // submits, waits, wakes: "completed with 5"

  // A cancel only asks. The operation still completes through its waker, and the buffer and the
  // waker are the kernel's until it has.
  id = reactor.register_operation(printer, sluice::ReadRequest(from.get(), buffer, 0).prepare());
  if (!id) {
    return 1;
  }
  reactor.wait(sluice::Duration::zero());
  reactor.cancel(*id);
  while (reactor.in_flight() > 0) {
    reactor.wait(sluice::kForever);  // "completed with -125": ECANCELED
  }
  reactor.cancel(*id);  // a stale id names nothing; nothing happens
}
