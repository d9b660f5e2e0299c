#include "workload.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include <sluice/combinators.hpp>
#include <sluice/timer.hpp>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFileBytes = 3000;
constexpr std::uint64_t kMostSteps = 200;

// The bytes of a flow, file or upload are those of pattern(), so each one tells where it belongs.
[[nodiscard]] bool is_pattern(std::span<const std::byte> bytes, std::size_t offset) {
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (bytes[index] != pattern_byte(offset + index)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Workload::Workload(Simulation& simulation, std::uint64_t seed)
    : simulation_(simulation),
      random_(seed ^ 0x5eed),
      file_(simulation.store().open(SimulatedStore::make_file(pattern(kFileBytes)))),
      root_(simulation.store().open(SimulatedStore::make_file({}))),
      listening_(SimulatedStore::make_listener()),
      listener_(simulation.executor(), simulation.store().open(listening_)) {
  simulation.store().name("there", SimulatedStore::make_file(pattern(kFileBytes)));
}

void Workload::check(bool holds, const char* what) {
  if (!holds && fault_.empty()) {
    fault_ = what;
  }
}

Duration Workload::random_time() {
  // Mostly short, now and then long, sometimes none at all.
  const std::uint64_t scale = random_.below(4);
  constexpr std::uint64_t kLongestUs[] = {1, 100, 5'000, 100'000};
  return std::chrono::microseconds(random_.below(kLongestUs[scale]));
}

Workload::Flow& Workload::new_flow(std::size_t bytes, bool is_finished) {
  Flow& flow = flows_.emplace_back();
  flow.object = SimulatedStore::make_stream(pattern(bytes), is_finished);
  flow.socket = Socket(simulation_.store().open(flow.object));
  return flow;
}

void Workload::start() {
  steps_left_ = random_.between(1, kMostSteps);
  const std::uint64_t tasks = random_.between(1, 16);
  for (std::uint64_t task = 0; task < tasks; ++task) {
    simulation_.spawn(run_steps(3));
  }
  if (random_.chance(0.5)) {
    simulation_.spawn(serve());
    simulation_.spawn(bring_connections());
  }
  simulation_.spawn(stop_somewhere());
}

Task<void> Workload::stop_somewhere() {
  if (random_.chance(0.7)) {
    static_cast<void>(co_await sleep_for(random_time() + random_time()));
  }
  for (std::uint64_t turns = random_.below(200); turns > 0; --turns) {
    co_await yield();
  }
  simulation_.executor().stop();
}

Task<void> Workload::run_steps(unsigned depth) {
  const auto context = co_await current_context();
  for (std::uint64_t left = random_.between(1, 8); left > 0 && steps_left_ > 0; --left) {
    --steps_left_;
    ++steps_;
    co_await step(depth);
    if (context.cancel_scope->is_cancelled() && random_.chance(0.8)) {
      break;  // some go on for a while: their operations must fail at once, and harm nobody
    }
  }
}

Task<void> Workload::step(unsigned depth) {
  switch (random_.below(10)) {
    case 0:
      co_return co_await read_step();
    case 1:
      co_return co_await write_step();
    case 2:
      co_return co_await send_step();
    case 3:
      co_return co_await receive_step();
    case 4:
      co_return co_await deadline_step();
    case 5:
      co_return co_await open_step();
    case 6:
      co_return co_await race_step();
    case 7:
      co_return co_await gather_step();
    case 8:
      static_cast<void>(co_await sleep_for(random_time()));
      co_return;
    default:
      co_return co_await scope_step(depth);
  }
}

Task<void> Workload::read_step() {
  Bytes buffer(random_.between(1, 600));
  const std::size_t offset = random_.below(kFileBytes + 50);
  const auto count = co_await file_.read_exact_at(buffer, offset);
  if (count) {
    const std::size_t there = offset < kFileBytes ? kFileBytes - offset : 0;
    check(*count == std::min(there, buffer.size()), "a read gave a wrong count");
    check(is_pattern(std::span(buffer).first(*count), offset), "a read gave wrong bytes");
  }
}

Task<void> Workload::write_step() {
  const auto object = SimulatedStore::make_file({});
  const File file(simulation_.store().open(object));
  const Bytes bytes = pattern(random_.between(1, 600));
  const auto written = co_await file.write_all_at(bytes, 0);
  check(is_pattern(object->content, 0), "a write wrote wrong bytes");
  check(!written || object->content == bytes, "a write that succeeded is not whole");
  if (written) {
    static_cast<void>(co_await file.sync());
  }
}

Task<void> Workload::send_step() {
  Flow& flow = new_flow(0, true);
  const Bytes bytes = pattern(random_.between(1, 600));
  const auto sent = co_await flow.socket.send_all(bytes);
  check(is_pattern(flow.object->sent, 0), "a send sent wrong bytes");
  check(!sent || flow.object->sent == bytes, "a send that succeeded is not whole");
}

Task<Result<std::size_t>> Workload::receive(Flow& flow) {
  // A buffer of its own in each coroutine: a late completion would write into a frame that is gone.
  std::array<std::byte, 64> buffer;
  const auto count = co_await flow.socket.receive(buffer);
  if (count) {
    check(is_pattern(std::span(buffer).first(*count), flow.delivered), "wrong bytes received");
    flow.delivered += *count;
  }
  co_return count;
}

Task<Result<std::size_t>> Workload::sleep(Duration duration) {
  const auto slept = co_await sleep_for(duration);
  co_return slept ? Result<std::size_t>(0) : std::unexpected(slept.error());
}

Task<void> Workload::receive_step() {
  Flow& flow = new_flow(random_.below(300), random_.chance(0.7));
  while (true) {
    const auto count = co_await receive(flow);
    if (!count || *count == 0) {
      check(!count || flow.delivered == flow.object->content.size(), "the end came too early");
      break;
    }
  }
}

Task<void> Workload::deadline_step() {
  Flow& flow = new_flow(random_.below(100), random_.chance(0.3));
  const TimePoint until = simulation_.now() + random_time();
  const auto count = co_await with_deadline(until, receive(flow));
  check(count || count.error() != std::errc::timed_out || simulation_.now() >= until,
        "a deadline came too early");
}

Task<void> Workload::open_step() {
  const bool exists = random_.chance(0.7);
  const auto fd = co_await root_.open_beneath(exists ? "there" : "missing", O_RDONLY);
  check(exists || !fd, "what is not there was opened");
  if (fd && random_.chance(0.5)) {
    Bytes buffer(100);
    static_cast<void>(co_await Operation(ReadRequest(fd->get(), buffer, 0)));
  }
}

Task<void> Workload::race_step() {
  Flow& one = new_flow(random_.below(100), random_.chance(0.3));
  Flow& two = new_flow(random_.below(100), random_.chance(0.3));
  auto result = co_await when_any(receive(one), receive(two), sleep(random_time()));
  check(result.first < 3, "a race without a winner");
}

Task<void> Workload::gather_step() {
  Flow& one = new_flow(random_.below(100), true);
  Flow& two = new_flow(random_.below(100), true);
  static_cast<void>(co_await when_all(receive(one), receive(two), read_step()));
}

Task<void> Workload::scope_step(unsigned depth) {
  if (depth == 0) {
    co_await yield();
    co_return;
  }
  TaskScope scope(co_await current_context());
  for (std::uint64_t children = random_.between(1, 3); children > 0; --children) {
    scope.spawn(run_steps(depth - 1));
  }
  if (random_.chance(0.4)) {
    static_cast<void>(co_await sleep_for(random_time()));
    scope.cancel();
  }
  co_await scope.join();
  check(scope.alive() == 0, "join() returned with children alive");
}

Task<void> Workload::serve() {
  TaskScope connections(co_await current_context());
  while (true) {
    auto socket = co_await listener_.accept();
    if (!socket) {
      break;
    }
    connections.spawn(serve_connection(std::move(*socket)));
  }
  co_await listener_.close();
  connections.cancel();
  co_await connections.join();
}

Task<void> Workload::serve_connection(Socket socket) {
  Bytes buffer(32);
  while (true) {
    const auto count = co_await socket.receive(buffer);
    if (!count || *count == 0) {
      break;
    }
    if (!co_await socket.send_all(std::span(buffer).first(*count))) {
      break;
    }
  }
}

Task<void> Workload::bring_connections() {
  for (std::uint64_t left = random_.below(12); left > 0; --left) {
    listening_->backlog.push_back(
        SimulatedStore::make_stream(pattern(random_.below(80)), random_.chance(0.7)));
    if (random_.chance(0.5) && !co_await sleep_for(random_time())) {
      break;
    }
  }
}

std::uint64_t Workload::bytes_received() const noexcept {
  std::uint64_t total = 0;
  for (const Flow& flow : flows_) {
    total += flow.delivered;
  }
  return total;
}

std::string Workload::fault() const {
  for (const Flow& flow : flows_) {
    if (flow.object->received != flow.delivered) {
      return "bytes were received and delivered to nobody";
    }
  }
  return fault_;
}

SimulatedRingOptions unkind_kernel(std::uint64_t seed) {
  SeededRandom random(seed);
  SimulatedRingOptions options;
  options.seed = seed;
  options.submission_entries = static_cast<unsigned>(random.between(2, 32));
  options.completion_entries = static_cast<unsigned>(random.between(1, 64));
  options.longest_latency = std::chrono::microseconds(random.below(3000));
  options.turn_cost = 5us;
  options.most_enters = 20'000;
  const auto up_to = [&random](double highest) {
    return random.chance(0.3) ? 0 : highest * static_cast<double>(random.below(100)) / 100;
  };
  options.lingers = up_to(0.5);
  options.held = up_to(0.3);
  options.short_transfer = up_to(1);
  options.multishot_ends = up_to(0.5);
  options.enter_fails = up_to(0.3);
  options.cancel_not_found = up_to(0.6);
  options.cancel_running = up_to(0.6);
  const double error = up_to(0.1);
  options.errors = {
      {Opcode::accept, EMFILE, error},  {Opcode::accept, ECONNABORTED, error},
      {Opcode::accept, ENOBUFS, error}, {Opcode::receive, ECONNRESET, error},
      {Opcode::receive, EINTR, error},  {Opcode::send, EPIPE, error},
      {Opcode::openat2, EACCES, error}, {Opcode::read, EIO, error},
      {Opcode::write, ENOSPC, error},   {Opcode::fsync, EIO, error},
  };
  return options;
}

}  // namespace sluice::testing
