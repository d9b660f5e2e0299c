#include "simulation.hpp"

#include <filesystem>
#include <iterator>

#include <sluice/operations.hpp>
#include <sluice/timer.hpp>

namespace sluice::testing {

Submission receive_into(int fd, std::span<std::byte> buffer) noexcept {
  return ReceiveRequest(fd, buffer).prepare();
}

Submission multishot_accept(int fd) noexcept {
  return {.opcode = Opcode::accept, .priority = kAcceptMultishot, .fd = fd};
}

Task<void> stop_after(Simulation& simulation, Duration delay) {
  static_cast<void>(co_await sleep_for(delay));
  simulation.executor().stop();
}

std::size_t open_descriptors() {
  // The directory that is being read is one of them, each time alike.
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

}  // namespace sluice::testing
