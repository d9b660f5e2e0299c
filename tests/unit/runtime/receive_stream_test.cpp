// The stream of received bytes on the real kernel: what arrives, what an idle connection costs, and
// what happens when the buffers run out.
#include <sluice/receive_stream.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"
#include "tcp_pair.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<ProvidedBuffers> make_buffers(Loop& loop, const ProvidedBuffersOptions& options) {
  auto made = ProvidedBuffers::create(loop.reactor(), options);
  EXPECT_TRUE(made) << made.error().message();
  return std::move(*made);
}

// Takes all there is; gives the error that ended it, 0 when the peer had finished.
Task<int> take_all(ReceiveStream& stream, std::vector<std::byte>& all) {
  while (true) {
    const auto got = co_await stream.next();
    if (!got || got->empty()) {
      co_return got ? 0 : got.error().value();
    }
    all.insert(all.end(), got->bytes().begin(), got->bytes().end());
  }
}

Task<void> send_and_finish(const Socket& socket, std::span<const std::byte> bytes) {
  EXPECT_TRUE(co_await socket.send_all(bytes));
  socket.shut_down(SHUT_WR);
}

TEST(ReceiveStreamTest, BringsEightMebibytesInOrderOverTcpAndUnixSockets) {
  for (const auto& [is_tcp, multishot] :
       {std::pair(true, true), {true, false}, {false, true}, {false, false}}) {
    Loop loop;
    const Pair pair = is_tcp ? tcp_pair(loop) : socket_pair();
    const auto buffers = make_buffers(loop, {.count = 8, .buffer_bytes = 5000});
    const auto expected = pattern(8 << 20);
    std::vector<std::byte> all;
    loop.spawn(send_and_finish(pair.far, expected));
    loop.run([](Loop& on, const Socket& socket, ProvidedBuffers& pool, ReceiveStreamOptions options,
                std::vector<std::byte>& bytes) -> Task<void> {
      ReceiveStream stream(on.executor(), socket, pool, options);
      EXPECT_EQ(co_await take_all(stream, bytes), 0);
      const auto again = co_await stream.next();
      EXPECT_TRUE(again && again->empty()) << "the end stays the end";
      co_await stream.close();
    }(loop, pair.near, *buffers, {.multishot = multishot}, all));
    EXPECT_TRUE(all == expected);
    EXPECT_EQ(buffers->in_use().value(), 0);
  }
}

TEST(ReceiveStreamTest, ManyIdleConnectionsHoldNoBuffer) {
  Loop loop;
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  std::deque<Pair> pairs;
  int received = 0;
  const auto receive = [&](const Socket& socket) -> Task<void> {
    ReceiveStream stream(loop.executor(), socket, *buffers);
    const auto got = co_await stream.next();
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(text_of(got->bytes()), "one");
    ++received;
    co_await stream.close();
  };
  for (int count = 0; count < 100; ++count) {
    loop.spawn(receive(pairs.emplace_back(socket_pair()).near));
  }
  loop.run([&]() -> Task<void> {
    co_await yield();
    co_await yield();
    EXPECT_EQ(buffers->in_use().value(), 0);
    for (const Pair& pair : pairs) {
      put(pair.far.fd(), "one");
    }
  }());
  EXPECT_EQ(received, 100);
  EXPECT_EQ(buffers->in_use().value(), 0);
}

// More streams than buffers, each with more to say than all buffers hold, and readers that keep
// what they have for a while.
TEST(ReceiveStreamTest, TooFewBuffersSlowEverybodyDownAndStopNobody) {
  for (const std::uint32_t step : {0U, 1U, 2U, 3U, 4U, 5U}) {
    const bool multishot = step % 2 == 0;
    Loop loop;
    Counter exhausted;
    const auto buffers = make_buffers(
        loop, {.count = 1U << (step / 2), .buffer_bytes = 100, .exhausted = &exhausted});
    std::deque<Pair> pairs;
    int whole = 0;
    const auto receive = [&](const Socket& socket) -> Task<void> {
      ReceiveStream stream(loop.executor(), socket, *buffers,
                           {.most_waiting = 2, .multishot = multishot});
      std::vector<std::byte> all;
      while (true) {
        const auto got = co_await stream.next();
        EXPECT_TRUE(got) << got.error().message();
        if (!got || got->empty()) {
          break;
        }
        all.insert(all.end(), got->bytes().begin(), got->bytes().end());
        co_await yield();
      }
      whole += all == pattern(3000) ? 1 : 0;
      co_await stream.close();
    };
    const auto bytes = pattern(3000);
    for (int number = 0; number < 10; ++number) {
      const Pair& pair = pairs.emplace_back(socket_pair());
      loop.spawn(receive(pair.near));
      loop.spawn(send_and_finish(pair.far, bytes));
    }
    loop.run();
    EXPECT_EQ(whole, 10);
    EXPECT_GT(buffers->exhausted().value(), 0U);
    EXPECT_EQ(exhausted.value(), buffers->exhausted().value());
    EXPECT_EQ(buffers->in_use().value(), 0);
  }
}

TEST(ReceiveStreamTest, APeerThatResetsIsAnErrorAfterItsBytes) {
  Loop loop;
  Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers);
    put(pair.far.fd(), "last words");
    const auto got = co_await stream.next();
    EXPECT_EQ(text_of(got->bytes()), "last words");
    const linger abort_it{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(pair.far.fd(), SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it)), 0);
    pair.far = Socket();
    EXPECT_EQ((co_await stream.next()).error(), std::errc::connection_reset);
    EXPECT_EQ((co_await stream.next()).error(), std::errc::connection_reset);
    co_await stream.close();
  }());
}

TEST(ReceiveStreamTest, ASocketThatIsNotOpenAnswersBadDescriptor) {
  Loop loop;
  const auto buffers = make_buffers(loop, {.count = 1});
  const Socket closed;
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), closed, *buffers);
    EXPECT_EQ((co_await stream.next()).error(), std::errc::bad_file_descriptor);
    co_await stream.close();
    EXPECT_EQ((co_await stream.next()).error(), std::errc::bad_file_descriptor);
  }());
}

TEST(ReceiveStreamTest, ADeadlineEndsAWaitAndTheStreamGoesOn) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers);
    const auto nothing = co_await with_deadline(loop.executor().now() + 1ms, stream.next());
    EXPECT_EQ(nothing.error(), std::errc::timed_out);
    put(pair.far.fd(), "late");
    const auto got = co_await stream.next();
    EXPECT_EQ(text_of(got->bytes()), "late");
    co_await stream.close();
    EXPECT_TRUE(is_cancelled((co_await stream.next()).error()));
  }());
}

TEST(ReceiveStreamTest, WithoutMultishotNothingIsReceivedThatNobodyWaitsFor) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers, {.multishot = false});
    put(pair.far.fd(), "first");
    auto got = co_await stream.next();
    EXPECT_EQ(text_of(got->bytes()), "first");
    got->give_back();
    put(pair.far.fd(), "second");
    const auto readable = co_await pair.near.wait_readable();
    EXPECT_TRUE(readable);
    EXPECT_EQ(loop.reactor().in_flight(), 0U);
    EXPECT_EQ(stream.waiting(), 0U);
    EXPECT_EQ(buffers->in_use().value(), 0);
    const auto next = co_await stream.next();
    EXPECT_EQ(text_of(next->bytes()), "second");
    co_await stream.close();
  }());
}

TEST(ReceiveStreamTest, WhatHasComeCanBeTakenWithoutTheRing) {
  Loop loop;
  Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers, {.multishot = false});
    std::array<std::byte, 4> own;
    EXPECT_EQ(stream.try_receive(own).error(), std::errc::resource_unavailable_try_again);
    put(pair.far.fd(), "first");
    EXPECT_TRUE(co_await pair.near.wait_readable());
    EXPECT_EQ(stream.try_receive(own), 4U);
    EXPECT_EQ(text_of(own), "firs");
    const auto rest = co_await stream.next();
    EXPECT_EQ(text_of(rest->bytes()), "t");
    pair.far = Socket();
    EXPECT_TRUE(co_await pair.near.wait_readable());
    EXPECT_EQ(stream.try_receive(own), 0U);
    EXPECT_EQ(stream.try_receive(own), 0U);
    const auto end = co_await stream.next();
    EXPECT_TRUE(end && end->empty());
    co_await stream.close();
  }());
}

TEST(ReceiveStreamTest, WhatAnArmedReceiveIsForIsNotTakenBesides) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 64});
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers);
    put(pair.far.fd(), "first");
    EXPECT_EQ(text_of((co_await stream.next())->bytes()), "first");
    put(pair.far.fd(), "second");
    std::array<std::byte, 16> own;
    EXPECT_EQ(stream.try_receive(own).error(), std::errc::resource_unavailable_try_again);
    EXPECT_EQ(text_of((co_await stream.next())->bytes()), "second");
    co_await stream.close();
    EXPECT_TRUE(is_cancelled(stream.try_receive(own).error()));
  }());
}

TEST(ReceiveStreamTest, ASlowReaderLeavesTheRestInTheSocket) {
  Loop loop;
  const Pair pair = tcp_pair(loop);
  const auto buffers = make_buffers(loop, {.count = 64, .buffer_bytes = 100});
  const auto expected = pattern(100'000);
  std::vector<std::byte> all;
  loop.spawn(send_and_finish(pair.far, expected));
  loop.run([&]() -> Task<void> {
    ReceiveStream stream(loop.executor(), pair.near, *buffers, {.most_waiting = 1});
    while (true) {
      const auto got = co_await stream.next();
      EXPECT_TRUE(got);
      if (!got || got->empty()) {
        break;
      }
      all.insert(all.end(), got->bytes().begin(), got->bytes().end());
      co_await yield();
      co_await yield();
    }
    co_await stream.close();
  }());
  EXPECT_TRUE(all == expected);
  EXPECT_GT(loop.reactor().metrics().cancels_requested.value(), 0U);
}

TEST(ReceiveStreamTest, ADirectDescriptorOfAnotherRingIsABadDescriptor) {
  Loop here;
  Loop there;
  const auto table = DirectFiles::create(there.reactor().ring(), 1).value();
  const auto making = [&]() -> Task<Result<DirectDescriptor>> {
    co_return co_await Operation(DirectSocketRequest(*table, AF_INET, SOCK_STREAM));
  };
  const Socket theirs(there.run(making()).value(), AF_INET);
  const auto buffers = make_buffers(here, {.count = 1, .buffer_bytes = 16});
  ReceiveStream stream(here.executor(), theirs, *buffers);
  here.run([&]() -> Task<void> {
    for (int count = 0; count < 2; ++count) {
      const auto got = co_await stream.next();
      EXPECT_EQ(got.error(), std::errc::bad_file_descriptor);
    }
    co_await stream.close();
  }());
  EXPECT_EQ(here.reactor().metrics().registered.value(), 0U);
}

TEST(ProvidedBuffersTest, ComeAndGoWithoutATraceAndTakeAnyCountUpToTheKernelsLimit) {
  Loop loop;
  for (const std::uint32_t count : {0U, 1U, 3U, 256U, 32768U, 40000U}) {
    const auto buffers = make_buffers(loop, {.count = count, .buffer_bytes = 16});
    EXPECT_GE(buffers->count(), std::clamp(count, 1U, 32768U));
    EXPECT_LE(buffers->count(), 32768U);
  }
}

// Whatever the moment at which waits are cancelled and streams closed: each byte is received once,
// by the stream or by a plain receive after its close, and every buffer comes back.
TEST(ReceiveStreamRace, CancelledAndClosedAtRandomMomentsLosesNoByteAndNoBuffer) {
  Loop loop;
  const auto buffers = make_buffers(loop, {.count = 4, .buffer_bytes = 8});
  std::mt19937 random(5);
  std::uint64_t cancelled = 0;
  std::uint64_t late = 0;
  const auto race = [&](std::uint64_t rounds) -> Task<void> {
    const Pair pair = socket_pair();
    PatternedStream bytes;
    const auto disturb = [&](CancelScope& scope) -> Task<void> {
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      put(pair.far.fd(), text_of(bytes.next(random() % 30)));
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      scope.cancel();
    };
    for (std::uint64_t round = 0; round < rounds; ++round) {
      {
        ReceiveStream stream(loop.executor(), pair.near, *buffers,
                             {.most_waiting = 2, .multishot = round % 2 == 0});
        CancelScope scope;
        TaskScope tasks(co_await current_context());
        tasks.spawn(disturb(scope));
        for (auto takes = random() % 4; takes > 0; --takes) {
          const auto got = co_await stream.next().within(scope);
          if (!got) {
            EXPECT_TRUE(is_cancelled(got.error()));
            ++cancelled;
            break;
          }
          bytes.take(got->bytes());
        }
        co_await stream.close();
        co_await tasks.join();
        while (stream.waiting() > 0) {
          const auto got = co_await stream.next();
          bytes.take(got->bytes());
          ++late;
        }
      }
      std::array<std::byte, 256> rest;
      const ssize_t left = ::recv(pair.near.fd(), rest.data(), rest.size(), MSG_DONTWAIT);
      bytes.take(std::span(rest).first(static_cast<std::size_t>(std::max<ssize_t>(left, 0))));
      EXPECT_EQ(bytes.received(), bytes.sent());
    }
  };
  for (int count = 0; count < 6; ++count) {
    loop.spawn(race(500));
  }
  loop.run();
  EXPECT_GT(cancelled, 0U);
  EXPECT_GT(late, 0U);
  EXPECT_EQ(buffers->in_use().value(), 0);
  EXPECT_EQ(loop.reactor().metrics().stale_completions.value(), 0U);
}

}  // namespace
}  // namespace sluice::runtime_test
