// Streams and zero-copy sends under a kernel in a bad mood: thousands of small programs, each made
// from a seed, that share a pool of too few buffers and are stopped anywhere.
#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <sluice/receive_stream.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>
#include <sluice/zero_copy.hpp>

#include "seeded_random.hpp"
#include "simulation.hpp"
#include "workload.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

class StreamWorkload {
 public:
  StreamWorkload(Simulation& simulation, ProvidedBuffers& buffers,
                 ProvidedBuffers& multishot_buffers, std::uint64_t seed)
      : simulation_(simulation),
        buffers_(buffers),
        multishot_buffers_(multishot_buffers),
        random_(seed ^ 0xb0ff) {}

  void start(bool is_stopped) {
    for (std::uint64_t left = random_.between(1, 12); left > 0; --left) {
      Flow& flow = flows_.emplace_back();
      const std::size_t bytes = random_.below(400);
      flow.object = SimulatedStore::make_stream(pattern(bytes), !is_stopped || random_.chance(0.6));
      flow.socket = Socket(simulation_.store().open(flow.object));
      simulation_.spawn(random_.chance(0.75) ? receive(flow) : send(flow));
    }
    if (is_stopped) {
      simulation_.spawn(stop_after(simulation_, random_time()));
    }
  }

  // What is wrong after the run, or "".
  [[nodiscard]] std::string fault(bool is_stopped) const {
    for (const Flow& flow : flows_) {
      if (flow.object->received != flow.delivered) {
        return "bytes were received and delivered to nobody";
      }
      if (!is_stopped && !flow.is_sender && !flow.has_failed &&
          flow.delivered != flow.object->content.size()) {
        return "a stream ended before its end";
      }
    }
    return fault_;
  }
  [[nodiscard]] std::uint64_t delivered() const {
    std::uint64_t total = 0;
    for (const Flow& flow : flows_) {
      total += flow.delivered;
    }
    return total;
  }
  // How often there were some when something was received.
  [[nodiscard]] std::uint64_t multishot_buffers_seen() const { return multishot_buffers_seen_; }

 private:
  struct Flow {
    ObjectPointer object;
    Socket socket;
    std::size_t delivered = 0;
    bool is_sender = false;
    bool has_failed = false;
  };

  Duration random_time() { return std::chrono::microseconds(random_.below(5'000)); }

  // Enters what was received into the account; false at the end.
  bool note(Flow& flow, const Result<ReceivedBytes>& got) {
    if (!got) {
      flow.has_failed = flow.has_failed || !is_cancelled(got.error());
      return false;
    }
    multishot_buffers_seen_ += multishot_buffers_.in_use().value() > 0 ? 1 : 0;
    for (const std::byte byte : got->bytes()) {
      if (byte != pattern_byte(flow.delivered++)) {
        fault_ = "wrong bytes";
      }
    }
    return !got->empty();
  }

  Task<void> receive(Flow& flow) {
    ReceiveStreamOptions options{.most_waiting = static_cast<std::uint32_t>(random_.between(1, 6))};
    options.multishot = random_.chance(0.5);
    options.multishot_buffers = &multishot_buffers_;
    ReceiveStream stream(simulation_.executor(), flow.socket, buffers_, options);
    while (true) {
      if (random_.chance(0.2)) {
        Deadline deadline(co_await current_context());
        deadline.set(simulation_.now() + random_time());
        const auto got = co_await stream.next().within(deadline.scope());
        if (!note(flow, got) && !deadline.has_expired()) {
          break;
        }
        continue;
      }
      const auto got = co_await stream.next();
      if (!note(flow, got)) {
        break;
      }
      if (random_.chance(0.3)) {
        static_cast<void>(co_await sleep_for(random_time()));  // with the buffer in hand
      }
    }
    co_await stream.close();
    while (stream.waiting() > 0) {
      // What came too late for the loop is taken in a scope that nobody has cancelled.
      CancelScope late;
      static_cast<void>(note(flow, co_await stream.next().within(late)));
    }
  }

  Task<void> send(Flow& flow) {
    flow.is_sender = true;
    flow.delivered = flow.object->received;
    Bytes buffers[2] = {Bytes(64), Bytes(64)};
    ZeroCopySender senders[2] = {ZeroCopySender(flow.socket), ZeroCopySender(flow.socket)};
    std::size_t sent = 0;
    for (std::size_t turn = 0; turn < 8; ++turn) {
      ZeroCopySender& sender = senders[turn % 2];
      co_await sender.released();
      buffers[turn % 2] = pattern(64, sent);
      const auto count = co_await sender.send(buffers[turn % 2]);
      if (!count) {
        break;
      }
      sent += *count;
    }
    co_await senders[0].released();
    co_await senders[1].released();
    if (flow.object->sent != pattern(sent)) {
      fault_ = "what was sent is not what was counted";
    }
  }

  Simulation& simulation_;
  ProvidedBuffers& buffers_;
  ProvidedBuffers& multishot_buffers_;
  std::uint64_t multishot_buffers_seen_ = 0;
  SeededRandom random_;
  std::deque<Flow> flows_;
  std::string fault_;
};

[[nodiscard]] SimulatedRingOptions unkind_to_streams(std::uint64_t seed) {
  SimulatedRingOptions options = unkind_kernel(seed);
  SeededRandom random(seed ^ 0x57);
  const auto up_to = [&random](double highest) {
    return random.chance(0.3) ? 0 : highest * static_cast<double>(random.below(100)) / 100;
  };
  options.held = 0;  // a stream that nobody stops must come to its end
  options.seeks_early = up_to(1);
  options.notifies_late = up_to(1);
  options.notifies_error = up_to(1);
  options.skips_notification = up_to(0.5);
  options.copies = up_to(1);
  options.errors.push_back({Opcode::receive, ENOBUFS, up_to(0.3)});
  options.errors.push_back({Opcode::send_zero_copy, ECONNRESET, up_to(0.1)});
  return options;
}

[[nodiscard]] std::unique_ptr<ProvidedBuffers> make_few(Simulation& simulation,
                                                        SeededRandom& random) {
  return ProvidedBuffers::create(
             simulation.reactor(),
             {.count = static_cast<std::uint32_t>(random.between(1, 8)),
              .buffer_bytes = static_cast<std::uint32_t>(random.between(1, 60))})
      .value();
}

std::uint64_t run_workloads(bool is_stopped) {
  std::uint64_t delivered = 0;
  std::uint64_t multishot_buffers_seen = 0;
  for (std::uint64_t seed = 1; seed <= 800; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(unkind_to_streams(seed));
    SeededRandom random(seed);
    const auto buffers = make_few(simulation, random);
    const auto multishot_buffers = make_few(simulation, random);
    StreamWorkload workload(simulation, *buffers, *multishot_buffers, seed);
    workload.start(is_stopped);
    simulation.run();
    EXPECT_EQ(workload.fault(is_stopped), "");
    EXPECT_EQ(buffers->in_use().value(), 0);
    EXPECT_EQ(multishot_buffers->in_use().value(), 0);
    EXPECT_EQ(simulation.reactor().in_flight(), 0U);
    EXPECT_EQ(simulation.metrics().stale_completions.value(), 0U);
    EXPECT_EQ(simulation.metrics().zero_copy_outstanding.value(), 0);
    delivered += workload.delivered();
    multishot_buffers_seen += workload.multishot_buffers_seen();
    if (::testing::Test::HasFailure()) {
      break;
    }
  }
  EXPECT_GT(multishot_buffers_seen, 100U);
  return delivered;
}

TEST(StreamWorkload, EveryStreamComesToItsEndHoweverFewBuffersThereAre) {
  EXPECT_GT(run_workloads(false), 200'000U);
}

TEST(StreamWorkload, StoppedAnywhereNoByteAndNoBufferIsLost) {
  EXPECT_GT(run_workloads(true), 20'000U);
}

}  // namespace
}  // namespace sluice::testing
