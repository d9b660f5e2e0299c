// Operations as awaitables: what an awaiting coroutine gets, and when.
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/awaitable.hpp>
#include <sluice/combinators.hpp>
#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/socket.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

template <class T>
[[nodiscard]] int errno_of(const Result<T>& result) {
  return result.has_value() ? 0 : result.error().value();
}

[[nodiscard]] File open_file(Simulation& simulation, Bytes content) {
  return File(simulation.store().open(SimulatedStore::make_file(std::move(content))));
}

[[nodiscard]] Socket open_stream(Simulation& simulation, Bytes incoming, bool is_finished) {
  return Socket(
      simulation.store().open(SimulatedStore::make_stream(std::move(incoming), is_finished)));
}

Task<void> read_one(const File& file, std::size_t index, std::vector<std::size_t>& order) {
  Bytes buffer(4);
  const auto count = co_await file.read_at(buffer, 4 * index);
  EXPECT_EQ(count.value_or(0), 4U);
  EXPECT_EQ(buffer, pattern(4, 4 * index));
  order.push_back(index);
}

TEST(AwaitedOperation, CompletionsInAnyOrderResumeTheRightCoroutine) {
  Simulation simulation({.is_scripted = true});
  const File file = open_file(simulation, pattern(32));
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < 8; ++index) {
    simulation.spawn(read_one(file, index, order));
  }
  const std::vector<std::size_t> wanted = {6, 1, 7, 0, 3, 5, 4, 2};
  simulation.ring().on_enter([&simulation, &wanted, is_done = false]() mutable {
    const auto pending = simulation.ring().pending();
    for (std::size_t place = 0; pending.size() == 8 && !is_done && place < 8; ++place) {
      simulation.ring().complete(pending[wanted[place]].user_data, 4);
    }
    is_done = true;
  });
  simulation.run();
  EXPECT_EQ(order, wanted);
}

Task<void> read_exact(const File& file, std::span<std::byte> buffer, std::uint64_t offset,
                      Result<std::size_t>& result) {
  result = co_await file.read_exact_at(buffer, offset);
}

TEST(AwaitedOperation, ShortReadsAreContinuedByReadExact) {
  Simulation simulation;
  const File file = open_file(simulation, pattern(100));
  simulation.ring().plan(Opcode::read, {1, 30, 2, 7});
  Bytes buffer(90);
  Result<std::size_t> result = 0;
  simulation.run(read_exact(file, buffer, 5, result));
  EXPECT_EQ(result.value_or(0), 90U);
  EXPECT_EQ(buffer, pattern(90, 5));
  EXPECT_EQ(simulation.metrics().completed.value(), 5U);
}

TEST(AwaitedOperation, ReadExactStopsAtTheEndOfTheFile) {
  Simulation simulation;
  const File file = open_file(simulation, pattern(100));
  Bytes buffer(90);
  Result<std::size_t> result = 0;
  simulation.run(read_exact(file, buffer, 40, result));
  EXPECT_EQ(result.value_or(0), 60U);
}

TEST(AwaitedOperation, ErrorInTheMiddleOfReadExactReachesTheCaller) {
  Simulation simulation;
  const File file = open_file(simulation, pattern(100));
  simulation.ring().plan(Opcode::read, {10, -EIO});
  Bytes buffer(90);
  Result<std::size_t> result = 0;
  simulation.run(read_exact(file, buffer, 0, result));
  EXPECT_EQ(errno_of(result), EIO);
}

Task<void> write_all(const File& file, const Bytes& bytes, Result<void>& result) {
  result = co_await file.write_all_at(bytes, 3);
}

TEST(AwaitedOperation, ShortWritesAreContinuedByWriteAll) {
  Simulation simulation;
  const auto object = SimulatedStore::make_file(pattern(3));
  const File file(simulation.store().open(object));
  simulation.ring().plan(Opcode::write, {1, 1, 50});
  const Bytes bytes = pattern(97, 3);
  Result<void> result = failure(EIO);
  simulation.run(write_all(file, bytes, result));
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(object->content, pattern(100));
  EXPECT_EQ(simulation.metrics().completed.value(), 4U);
}

TEST(AwaitedOperation, WriteThatMakesNoProgressIsAnError) {
  Simulation simulation;
  const File file = open_file(simulation, {});
  simulation.ring().plan(Opcode::write, {2, 0});
  Result<void> result;
  const Bytes bytes = pattern(10);
  simulation.run(write_all(file, bytes, result));
  EXPECT_EQ(errno_of(result), EIO);
}

Task<void> send_all(const Socket& socket, const Bytes& bytes, Result<void>& result) {
  result = co_await socket.send_all(bytes);
}

TEST(AwaitedOperation, ShortSendsAreContinuedBySendAll) {
  Simulation simulation({.seed = 3, .short_transfer = 0.9});
  const auto peer = SimulatedStore::make_stream({}, false);
  const Socket socket(simulation.store().open(peer));
  const Bytes bytes = pattern(5000);
  Result<void> result = failure(EIO);
  simulation.run(send_all(socket, bytes, result));
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(peer->sent, bytes);
  EXPECT_GT(simulation.metrics().completed.value(), 3U);
}

TEST(AwaitedOperation, PeerThatIsGoneEndsSendAll) {
  Simulation simulation;
  const Socket socket = open_stream(simulation, {}, true);
  simulation.ring().plan(Opcode::send, {100, -EPIPE});
  Result<void> result;
  const Bytes bytes = pattern(500);
  simulation.run(send_all(socket, bytes, result));
  EXPECT_EQ(errno_of(result), EPIPE);
}

TEST(AwaitedOperation, SendThatMakesNoProgressIsAnError) {
  Simulation simulation;
  const Socket socket = open_stream(simulation, {}, true);
  simulation.ring().plan(Opcode::send, {100, 0, 0, 0});
  Result<void> result;
  const Bytes bytes = pattern(500);
  simulation.run(send_all(socket, bytes, result));
  EXPECT_FALSE(result.has_value()) << "a peer that takes nothing would be sent to for ever";
}

Task<void> receive_once(const Socket& socket, std::vector<int>& answers) {
  Bytes buffer(16);
  const auto count = co_await socket.receive(buffer);
  answers.push_back(count ? static_cast<int>(*count) : -count.error().value());
}

TEST(AwaitedOperation, EachErrorReachesItsOwnAwaiter) {
  Simulation simulation;
  const Socket socket = open_stream(simulation, pattern(3), true);
  const std::vector<int> answers = {-ECONNRESET, -ETIMEDOUT, -EINTR, -ENOBUFS, 3, 0};
  simulation.ring().plan(Opcode::receive, {-ECONNRESET, -ETIMEDOUT, -EINTR, -ENOBUFS});
  std::vector<int> got;
  for (std::size_t index = 0; index < answers.size(); ++index) {
    simulation.run(receive_once(socket, got));
  }
  EXPECT_EQ(got, answers);
}

Task<void> open_and_report(const Directory& directory, const char* path, int& error,
                           UniqueFd* keep) {
  auto fd = co_await directory.open_beneath(path, O_RDONLY);
  error = errno_of(fd);
  if (fd && keep != nullptr) {
    *keep = std::move(*fd);
  }
}

TEST(AwaitedOperation, DescriptorIsOwnedFromTheMomentItArrives) {
  Simulation simulation;
  simulation.store().name("index.html", SimulatedStore::make_file(pattern(10)));
  const Directory root(simulation.store().open(SimulatedStore::make_file({})));
  const std::size_t before = open_descriptors();
  int error = -1;
  simulation.run(open_and_report(root, "index.html", error, nullptr));
  EXPECT_EQ(error, 0);
  EXPECT_EQ(open_descriptors(), before);  // nobody took it
  UniqueFd kept;
  simulation.run(open_and_report(root, "index.html", error, &kept));
  EXPECT_EQ(open_descriptors(), before + 1);
  simulation.run(open_and_report(root, "missing.html", error, nullptr));
  EXPECT_EQ(error, ENOENT);
}

TEST(AwaitedOperation, DescriptorThatArrivesInSpiteOfACancelIsDelivered) {
  Simulation simulation({.is_scripted = true});
  simulation.ring().answer_cancels(CancelAnswer::not_found);
  const Directory root(simulation.store().open(SimulatedStore::make_file({})));
  const std::size_t before = open_descriptors();
  int error = -1;
  UniqueFd kept;
  simulation.spawn(open_and_report(root, "index.html", error, &kept));
  simulation.spawn(stop_after(simulation, 1ms));
  simulation.ring().on_enter([&simulation] {
    if (simulation.ring().cancels_taken() == 1) {
      UniqueFd opened = simulation.store().open(SimulatedStore::make_file(pattern(10)));
      simulation.ring().complete(simulation.ring().pending().at(0).user_data, opened.release());
      simulation.ring().on_enter(nullptr);
    }
  });
  simulation.run();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(open_descriptors(), before + 1);
}

Task<void> receive_twice(const Socket& socket, CancelScope& scope, std::vector<int>& answers) {
  Bytes buffer(16);
  for (int time = 0; time < 2; ++time) {
    const auto count = co_await socket.receive(buffer).within(scope);
    answers.push_back(count ? static_cast<int>(*count) : -count.error().value());
  }
}

Task<void> cancel_after(CancelScope& scope, Duration delay) {
  EXPECT_TRUE((co_await sleep_for(delay)).has_value());
  scope.cancel();
}

TEST(AwaitedOperation, NothingIsSubmittedInAScopeThatIsCancelled) {
  Simulation simulation;
  const Socket socket = open_stream(simulation, {}, false);
  CancelScope scope;
  std::vector<int> answers;
  simulation.spawn(receive_twice(socket, scope, answers));
  simulation.run(cancel_after(scope, 5ms));
  EXPECT_EQ(answers, (std::vector{-ECANCELED, -ECANCELED}));
  EXPECT_EQ(simulation.ring().operations_taken(), 1U);
  EXPECT_EQ(simulation.ring().cancels_taken(), 1U);
}

TEST(AwaitedOperation, OperationsBeyondMaxOperationsFailAtOnce) {
  Simulation simulation({}, {.max_operations = 2});
  const Socket socket = open_stream(simulation, pattern(32), true);
  std::vector<int> answers;
  for (int task = 0; task < 3; ++task) {
    simulation.spawn(receive_once(socket, answers));
  }
  simulation.run();
  EXPECT_EQ(answers, (std::vector{-ENOBUFS, 16, 16}));
}

// A zero-copy send, as a request of somebody outside the library.
struct ZeroCopySendRequest : SendRequest {
  using SendRequest::SendRequest;
  Submission prepare() noexcept {
    Submission entry = SendRequest::prepare();
    entry.opcode = Opcode::send_zero_copy;
    return entry;
  }
};

Task<void> send_zero_copy(const Socket& socket, const Bytes& bytes, Result<std::size_t>& result) {
  result = co_await Operation(ZeroCopySendRequest(socket.fd(), bytes, 0));
}

TEST(AwaitedOperation, ZeroCopySendKeepsItsCountUntilTheBufferIsFree) {
  Simulation simulation({.longest_latency = 10ms});
  const auto peer = SimulatedStore::make_stream({}, false);
  const Socket socket(simulation.store().open(peer));
  const Bytes bytes = pattern(300);
  Result<std::size_t> result = 0;
  simulation.run(send_zero_copy(socket, bytes, result));
  EXPECT_EQ(result.value_or(0), 300U);
  EXPECT_EQ(peer->sent, bytes);
  EXPECT_EQ(simulation.metrics().completed.value(), 1U);
  EXPECT_EQ(simulation.metrics().completion_entries.value(), 2U);
}

}  // namespace
}  // namespace sluice::testing
