#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/listener.hpp>
#include <sluice/socket.hpp>

#include "seeded_random.hpp"
#include "simulation.hpp"

namespace sluice::testing {

/// A program made from a seed: tasks that read, write, receive, send, sleep, race, open, accept and
/// nest scopes, in an order and with amounts that follow from the seed, and that a stop may end
/// anywhere. It keeps an account of every byte and every result, so that afterwards nothing can
/// have been lost, doubled or delivered to somebody else.
class Workload {
 public:
  Workload(Simulation& simulation, std::uint64_t seed);

  /// Makes the tasks.
  void start();
  /// After the run: what is wrong, or "".
  [[nodiscard]] std::string fault() const;

  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t bytes_received() const noexcept;

 private:
  // One direction of a connection, and what the tasks were told of it.
  struct Flow {
    ObjectPointer object;
    Socket socket;
    std::size_t delivered = 0;
  };

  [[nodiscard]] Flow& new_flow(std::size_t bytes, bool is_finished);
  void check(bool holds, const char* what);
  [[nodiscard]] Duration random_time();

  Task<void> run_steps(unsigned depth);
  Task<void> step(unsigned depth);
  Task<void> read_step();
  Task<void> write_step();
  Task<void> send_step();
  Task<void> receive_step();
  Task<void> deadline_step();
  Task<void> open_step();
  Task<void> race_step();
  Task<void> gather_step();
  Task<void> scope_step(unsigned depth);
  Task<void> serve();
  Task<void> serve_connection(Socket socket);
  Task<void> bring_connections();
  Task<void> stop_somewhere();

  // Receives once and enters the bytes into the account; the count or the error.
  Task<Result<std::size_t>> receive(Flow& flow);
  Task<Result<std::size_t>> sleep(Duration duration);

  Simulation& simulation_;
  SeededRandom random_;
  std::deque<Flow> flows_;
  File file_;
  Directory root_;
  ObjectPointer listening_;
  Listener listener_;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_left_ = 0;
  std::string fault_;
};

/// A kernel in a mood that follows from the seed: small queues, late, short and failed results,
/// cancels that lose.
[[nodiscard]] SimulatedRingOptions unkind_kernel(std::uint64_t seed);

}  // namespace sluice::testing
