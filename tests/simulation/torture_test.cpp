// Torture: one scenario that uses every kind of operation, run again and again, failing each of
// its operations in turn, once and for good, with each error in turn.
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/listener.hpp>
#include <sluice/socket.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFileBytes = 500;

struct Scenario {
  explicit Scenario(Simulation& simulation_in)
      : simulation(simulation_in),
        root(simulation.store().open(SimulatedStore::make_file({}))),
        target(SimulatedStore::make_file({})),
        upload(simulation.store().open(target)),
        listening(SimulatedStore::make_listener()),
        listener(simulation.executor(), simulation.store().open(listening)),
        peer(SimulatedStore::make_stream(pattern(100), true)) {
    simulation.store().name("index.html", SimulatedStore::make_file(pattern(kFileBytes)));
    listening->backlog.push_back(peer);
  }

  Simulation& simulation;
  Directory root;
  ObjectPointer target;
  File upload;
  ObjectPointer listening;
  Listener listener;
  ObjectPointer peer;
  std::error_code error;
};

Task<Result<Socket>> accept_one(Listener& listener) { co_return co_await listener.accept(); }

// Accepts a connection, stores what it sends, and answers with a file.
Task<Result<void>> serve_one(Scenario& scenario) {
  const auto socket =
      co_await with_deadline(scenario.simulation.now() + 5s, accept_one(scenario.listener));
  if (!socket) {
    co_return std::unexpected(socket.error());
  }
  Bytes request(40);
  std::uint64_t offset = 0;
  while (true) {
    const auto count = co_await socket->receive(request);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      break;
    }
    const auto stored =
        co_await scenario.upload.write_all_at(std::span(request).first(*count), offset);
    if (!stored) {
      co_return stored;
    }
    offset += *count;
  }
  if (const auto synced = co_await scenario.upload.sync(); !synced) {
    co_return synced;
  }
  auto fd = co_await scenario.root.open_beneath("index.html", O_RDONLY);
  if (!fd) {
    co_return std::unexpected(fd.error());
  }
  const File file(std::move(*fd));
  Bytes body(kFileBytes);
  const auto read = co_await file.read_exact_at(body, 0);
  if (!read) {
    co_return std::unexpected(read.error());
  }
  co_return co_await socket->send_all(std::span(body).first(*read));
}

Task<void> run_scenario(Scenario& scenario) {
  if (const auto served = co_await serve_one(scenario); !served) {
    scenario.error = served.error();
  }
  co_await scenario.listener.close();
}

struct Outcome {
  std::error_code error;
  std::uint64_t operations = 0;
};

// Runs the scenario and checks what holds whatever has failed.
Outcome run_with(const SimulatedRingOptions& options) {
  const std::size_t descriptors_before = open_descriptors();
  Outcome outcome;
  {
    Simulation simulation(options);
    Scenario scenario(simulation);
    simulation.run(run_scenario(scenario));
    outcome = {scenario.error, simulation.ring().finals_posted()};
    EXPECT_EQ(simulation.reactor().in_flight(), 0U);
    EXPECT_EQ(simulation.metrics().stale_completions.value(), 0U);
    if (!outcome.error) {
      EXPECT_EQ(scenario.peer->sent, pattern(kFileBytes));
      EXPECT_EQ(scenario.target->content, pattern(100));
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors_before);
  return outcome;
}

[[nodiscard]] SimulatedRingOptions kernel() {
  // The clock moves, so that a socket that keeps failing runs into the deadline of its accept.
  return {.seed = 11, .turn_cost = 1ms, .short_transfer = 0.7};
}

TEST(Torture, ScenarioSucceedsWhenNothingFails) {
  const Outcome outcome = run_with(kernel());
  EXPECT_FALSE(outcome.error);
  EXPECT_GE(outcome.operations, 10U);
}

TEST(Torture, AnyOperationFailingIsReportedAndNothingLeaks) {
  const std::uint64_t operations = run_with(kernel()).operations;
  std::size_t reported = 0;
  for (const int error : {EINTR, EAGAIN, EIO, ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC, EPIPE,
                          ECONNRESET, ECONNABORTED, ETIMEDOUT, EBADF}) {
    for (std::uint64_t number = 1; number <= operations; ++number) {
      for (const bool stays : {false, true}) {
        SCOPED_TRACE("errno " + std::to_string(error) + " at operation " + std::to_string(number) +
                     (stays ? " and all later ones" : ""));
        SimulatedRingOptions options = kernel();
        options.fault_at = number;
        options.fault_errno = error;
        options.fault_stays = stays;
        const Outcome outcome = run_with(options);
        // An accept may outlast a passing error; everybody else hears of exactly this one.
        if (outcome.error) {
          ++reported;
          EXPECT_TRUE(outcome.error.value() == error || outcome.error == std::errc::timed_out)
              << outcome.error.message();
        }
      }
    }
  }
  EXPECT_GT(reported, operations * 13);
}

}  // namespace
}  // namespace sluice::testing
