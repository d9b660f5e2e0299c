// The stream of received bytes: order, flow control, ends, and buffers that all come back.
#include <sluice/receive_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// A pool of buffers over a simulated kernel.
class ReceiveStreamTest : public ::testing::Test {
 public:
  void start(const SimulatedRingOptions& options, const ProvidedBuffersOptions& pool,
             const ReactorOptions& reactor_options = {}) {
    simulation_ = std::make_unique<Simulation>(options, reactor_options);
    buffers_ = ProvidedBuffers::create(simulation_->reactor(), pool).value();
  }
  void TearDown() override {
    EXPECT_EQ(buffers_->in_use().value(), 0);
    buffers_.reset();
    simulation_.reset();
  }
  struct Peer {
    ObjectPointer object;
    Socket socket;
  };
  [[nodiscard]] Peer peer(Bytes bytes, bool is_finished) {
    auto object = SimulatedStore::make_stream(std::move(bytes), is_finished);
    return {object, Socket(simulation().store().open(object))};
  }
  [[nodiscard]] Simulation& simulation() noexcept { return *simulation_; }
  [[nodiscard]] ProvidedBuffers& buffers() noexcept { return *buffers_; }
  [[nodiscard]] std::uint64_t receives_armed() {
    return simulation().ring().operations_taken(Opcode::receive);
  }

  // Takes all there is; gives the bytes, and the error that ended it (0: the peer had finished).
  Task<int> take_all(ReceiveStream& stream, Bytes& all) {
    while (true) {
      const auto got = co_await stream.next();
      if (!got) {
        co_return got.error().value();
      }
      if (got->empty()) {
        co_return 0;
      }
      all.insert(all.end(), got->bytes().begin(), got->bytes().end());
    }
  }
  Task<void> receive_all(const Socket& socket, Bytes& all, int& error) {
    ReceiveStream stream(simulation().executor(), socket, buffers());
    error = co_await take_all(stream, all);
    co_await stream.close();
  }

 private:
  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ProvidedBuffers> buffers_;
};

TEST_F(ReceiveStreamTest, OneOperationBringsEverythingInOrder) {
  start({}, {.count = 64, .buffer_bytes = 100});
  const Peer near = peer(pattern(5000), true);
  Bytes all;
  int error = -1;
  simulation().run(receive_all(near.socket, all, error));
  EXPECT_EQ(all, pattern(5000));
  EXPECT_EQ(error, 0);
  EXPECT_EQ(buffers().exhausted().value(), 0U);
}

TEST_F(ReceiveStreamTest, MultishotThatEndsWithoutAnErrorIsArmedAgain) {
  start({.short_transfer = 1, .multishot_ends = 1}, {.count = 4, .buffer_bytes = 100});
  const Peer near = peer(pattern(1000), true);
  Bytes all;
  int error = -1;
  simulation().run(receive_all(near.socket, all, error));
  EXPECT_EQ(all, pattern(1000));
  EXPECT_GT(receives_armed(), 10U);
}

TEST_F(ReceiveStreamTest, EveryErrorComesAfterTheBytesBeforeItAndStays) {
  for (const int wanted : {ECONNRESET, ETIMEDOUT, ENOTCONN, EIO}) {
    start({}, {.count = 8, .buffer_bytes = 100});
    const Peer near = peer(pattern(200), false);
    simulation().ring().plan(Opcode::receive, {100, 100, -wanted});
    simulation().run([](ReceiveStreamTest& test, const Socket& socket, int error) -> Task<void> {
      ReceiveStream stream(test.simulation().executor(), socket, test.buffers());
      Bytes all;
      EXPECT_EQ(co_await test.take_all(stream, all), error);
      EXPECT_EQ(all, pattern(200));
      EXPECT_EQ(co_await test.take_all(stream, all), error) << "each time from then on";
    }(*this, near.socket, wanted));
    EXPECT_EQ(receives_armed(), 1U);
    TearDown();
  }
  start({}, {});
}

TEST_F(ReceiveStreamTest, InterruptionIsNoError) {
  start({}, {.count = 8, .buffer_bytes = 100});
  const Peer near = peer(pattern(200), true);
  simulation().ring().plan(Opcode::receive, {100, -EINTR, -EINTR});
  Bytes all;
  int error = -1;
  simulation().run(receive_all(near.socket, all, error));
  EXPECT_EQ(all, pattern(200));
  EXPECT_EQ(error, 0);
}

TEST_F(ReceiveStreamTest, NoBufferIsFlowControlAndNeedsNoTimer) {
  start({}, {.count = 1, .buffer_bytes = 10});
  const Peer near = peer(pattern(1000), true);
  Bytes all;
  int error = -1;
  const TimePoint began_at = simulation().now();
  simulation().run(receive_all(near.socket, all, error));
  EXPECT_EQ(all, pattern(1000));
  EXPECT_GE(buffers().exhausted().value(), 90U);
  EXPECT_EQ(simulation().now(), began_at);
  EXPECT_EQ(simulation().executor().metrics().timers_expired.value(), 0U);
}

Task<void> hold_the_only_buffer(ReceiveStreamTest& test, const Socket& socket, Bytes& all) {
  ReceiveStream stream(test.simulation().executor(), socket, test.buffers());
  {
    const auto held = co_await stream.next();
    all.insert(all.end(), held->bytes().begin(), held->bytes().end());
    EXPECT_TRUE(co_await sleep_for(1h));
  }
  EXPECT_EQ(co_await test.take_all(stream, all), 0);
  co_await stream.close();
}

TEST_F(ReceiveStreamTest, StreamsWithoutABufferSleepUntilOneComesBack) {
  start({.seeks_early = 1}, {.count = 1, .buffer_bytes = 50});
  const Peer holder = peer(pattern(100), true);
  simulation().spawn([](ReceiveStreamTest& test, const Peer& near) -> Task<void> {
    Bytes bytes;
    co_await hold_the_only_buffer(test, near.socket, bytes);
    EXPECT_EQ(bytes, pattern(100));
  }(*this, holder));
  std::vector<Peer> peers;
  std::vector<Bytes> all(5);
  std::vector<int> errors(5, -1);
  for (std::size_t index = 0; index < 5; ++index) {
    peers.push_back(peer(pattern(300), true));
  }
  for (std::size_t index = 0; index < 5; ++index) {
    simulation().spawn(receive_all(peers[index].socket, all[index], errors[index]));
  }
  simulation().run();
  for (std::size_t index = 0; index < 5; ++index) {
    EXPECT_EQ(all[index], pattern(300));
    EXPECT_EQ(errors[index], 0);
  }
  EXPECT_LE(simulation().ring().enters(), 200U) << "it spins";
}

// The kernel may look for a next buffer before there are bytes for it: the stream that took the
// last one then stands in line with nothing to fetch, and must not keep the others from theirs.
TEST_F(ReceiveStreamTest, StreamWithNothingToFetchHoldsUpNobody) {
  start({.seeks_early = 1}, {.count = 1, .buffer_bytes = 50});
  const Peer idle = peer(pattern(50), false);
  const Peer busy = peer(pattern(500), true);
  simulation().run([](ReceiveStreamTest& test, const Peer& near, const Peer& far) -> Task<void> {
    TaskScope tasks(co_await current_context());
    Bytes idle_bytes;
    Bytes busy_bytes;
    int idle_error = -1;
    int busy_error = -1;
    tasks.spawn(test.receive_all(near.socket, idle_bytes, idle_error));
    co_await yield();
    TaskScope busy_tasks(co_await current_context());
    busy_tasks.spawn(test.receive_all(far.socket, busy_bytes, busy_error));
    co_await busy_tasks.join();
    EXPECT_EQ(busy_bytes, pattern(500));
    EXPECT_EQ(idle_error, -1);
    tasks.cancel();
    co_await tasks.join();
    EXPECT_EQ(idle_bytes, pattern(50));
    EXPECT_EQ(idle_error, ECANCELED);
  }(*this, idle, busy));
}

TEST_F(ReceiveStreamTest, SlowReaderStopsTheStreamAndLosesNothing) {
  start({.longest_latency = 100us}, {.count = 64, .buffer_bytes = 10});
  const Peer near = peer(pattern(600), true);
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers(),
                         {.most_waiting = 4});
    Bytes all;
    while (true) {
      const auto got = co_await stream.next();
      EXPECT_TRUE(got);
      if (!got || got->empty()) {
        break;
      }
      all.insert(all.end(), got->bytes().begin(), got->bytes().end());
      EXPECT_TRUE(co_await sleep_for(10ms));
      EXPECT_LE(stream.waiting(), 6U) << "and what was underway when it stopped";
    }
    EXPECT_EQ(all, pattern(600));
    co_await stream.close();
  }(*this, near));
  EXPECT_GE(simulation().metrics().cancels_submitted.value(), 1U);
}

TEST_F(ReceiveStreamTest, CancelledWaitLosesNothingThatArrivesLater) {
  start({}, {.count = 4, .buffer_bytes = 100});
  const Peer near = peer({}, false);
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
    Deadline deadline(co_await current_context());
    deadline.set(test.simulation().now() + 1s);
    const auto nothing = co_await stream.next().within(deadline.scope());
    EXPECT_TRUE(!nothing && is_cancelled(nothing.error()));
    const auto refused = co_await stream.next().within(deadline.scope());
    EXPECT_TRUE(!refused && is_cancelled(refused.error()));
    from.object->content = pattern(150);
    from.object->is_finished = true;
    Bytes all;
    EXPECT_EQ(co_await test.take_all(stream, all), 0);
    EXPECT_EQ(all, pattern(150));
    co_await stream.close();
  }(*this, near));
}

TEST_F(ReceiveStreamTest, BytesThatArriveWhileItClosesAreHandedOut) {
  start({.is_scripted = true}, {.count = 4, .buffer_bytes = 100});
  simulation().ring().answer_cancels(CancelAnswer::not_found);
  const Peer near = peer(pattern(60), false);
  simulation().ring().on_enter([this] {
    if (simulation().ring().cancels_taken() == 1) {
      const auto user_data = simulation().ring().pending().at(0).user_data;
      simulation().ring().complete(user_data, 40, kCompletionMore);
      simulation().ring().complete(user_data, 20);
      simulation().ring().on_enter(nullptr);
    }
  });
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
    {
      Deadline deadline(co_await current_context());
      deadline.set(test.simulation().now() + 1ms);
      EXPECT_FALSE(co_await stream.next().within(deadline.scope()));
    }
    co_await stream.close();
    EXPECT_EQ(test.buffers().in_use().value(), 2);
    Bytes all;
    EXPECT_EQ(co_await test.take_all(stream, all), ECANCELED);
    EXPECT_EQ(all, pattern(60));
  }(*this, near));
}

TEST_F(ReceiveStreamTest, DestroyingItGivesBackWhatNobodyTook) {
  start({}, {.count = 8, .buffer_bytes = 10});
  const Peer near = peer(pattern(60), false);
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    {
      ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
      EXPECT_EQ((co_await stream.next())->bytes().size(), 10U);
      co_await stream.close();
      EXPECT_EQ(stream.waiting(), 5U);
      EXPECT_EQ(test.buffers().in_use().value(), 5);
    }
    EXPECT_EQ(test.buffers().in_use().value(), 0);
  }(*this, near));
}

TEST_F(ReceiveStreamTest, CloseEndsAStreamThatWaitsForABuffer) {
  start({}, {.count = 1, .buffer_bytes = 10});
  const Peer near = peer(pattern(100), false);
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
    const auto held = co_await stream.next();
    TaskScope tasks(co_await current_context());
    int error = -1;
    tasks.spawn([](ReceiveStream& waiting, int& what) -> Task<void> {
      what = (co_await waiting.next()).error().value();
    }(stream, error));
    EXPECT_TRUE(co_await sleep_for(1ms));
    EXPECT_EQ(test.buffers().exhausted().value(), 1U);
    co_await stream.close();
    co_await tasks.join();
    EXPECT_EQ(error, ECANCELED);
  }(*this, near));
}

TEST_F(ReceiveStreamTest, FullTableOfOperationsIsToldOnceAndTriedAgain) {
  start({}, {.count = 4, .buffer_bytes = 100}, {.max_operations = 1});
  const Peer near = peer(pattern(30), true);
  RecordingWaker waker;
  ASSERT_TRUE(simulation().reactor().register_operation(waker, nop()));
  simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
    ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
    const auto refused = co_await stream.next();
    EXPECT_EQ(refused.error(), std::errc::no_buffer_space);
    EXPECT_TRUE(co_await sleep_for(1ms));
    Bytes all;
    EXPECT_EQ(co_await test.take_all(stream, all), 0);
    EXPECT_EQ(all, pattern(30));
    co_await stream.close();
  }(*this, near));
}

TEST_F(ReceiveStreamTest, PoolsOfOneReactorTakeGroupsOfTheirOwn) {
  start({}, {.count = 3, .buffer_bytes = 10});
  EXPECT_EQ(buffers().count(), 4U) << "rounded up to a power of two";
  std::vector<std::unique_ptr<ProvidedBuffers>> more;
  for (int count = 1; count < 64; ++count) {
    more.push_back(ProvidedBuffers::create(simulation().reactor(), {.count = 1}).value());
  }
  EXPECT_EQ(ProvidedBuffers::create(simulation().reactor(), {}).error(),
            std::errc::too_many_files_open);
  more.pop_back();
  EXPECT_TRUE(ProvidedBuffers::create(simulation().reactor(), {}));
}

using ReceiveStreamDeathTest = ReceiveStreamTest;

TEST_F(ReceiveStreamDeathTest, DestroyingOneThatIsArmedAborts) {
  start({}, {});
  const Peer near = peer({}, false);
  const auto break_it = [&] {
    simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
      ReceiveStream stream(test.simulation().executor(), from.socket, test.buffers());
      Deadline deadline(co_await current_context());
      deadline.set(test.simulation().now() + 1ms);
      static_cast<void>(co_await stream.next().within(deadline.scope()));
    }(*this, near));
  };
  EXPECT_DEATH(break_it(), "a ReceiveStream is closed, and its close awaited");
}

TEST_F(ReceiveStreamDeathTest, TwoCoroutinesWaitingAbort) {
  start({}, {});
  const Peer near = peer({}, false);
  const auto break_it = [&] {
    ReceiveStream stream(simulation().executor(), near.socket, buffers());
    const auto wait = [](ReceiveStream& one) -> Task<void> {
      static_cast<void>(co_await one.next());
    };
    simulation().spawn(wait(stream));
    simulation().run(wait(stream));
  };
  EXPECT_DEATH(break_it(), "one coroutine at a time waits for a ReceiveStream");
}

TEST_F(ReceiveStreamDeathTest, PoolThatGoesBeforeItsStreamsOrBytesAborts) {
  start({}, {});
  const Peer near = peer(pattern(10), true);
  const auto before_a_stream = [&] {
    auto pool = ProvidedBuffers::create(simulation().reactor(), {}).value();
    const ReceiveStream stream(simulation().executor(), near.socket, *pool);
    pool.reset();
  };
  EXPECT_DEATH(before_a_stream(), "ProvidedBuffers outlive the streams and the bytes");
  const auto before_bytes = [&] {
    simulation().run([](ReceiveStreamTest& test, const Peer& from) -> Task<void> {
      auto pool = ProvidedBuffers::create(test.simulation().reactor(), {}).value();
      ReceivedBytes kept;
      {
        ReceiveStream stream(test.simulation().executor(), from.socket, *pool);
        kept = std::move(*co_await stream.next());
        co_await stream.close();
      }
      pool.reset();
    }(*this, near));
  };
  EXPECT_DEATH(before_bytes(), "ProvidedBuffers outlive the streams and the bytes");
}

}  // namespace
}  // namespace sluice::testing
