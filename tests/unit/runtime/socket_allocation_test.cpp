// Receive streams, messages and what coroutines wait for each other with take nothing from the
// heap.
#include <array>
#include <cstdint>

#include <gtest/gtest.h>

#include <sluice/receive_stream.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/zero_copy.hpp>

#include "counting_allocator.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

// The other side of the exchange: a coroutine that lives for the whole of the test, since making
// one costs a frame.
TEST(SocketAllocations, AnExchangeOverChannelsMutexesAndSemaphoresCostsNone) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Channel<int> there(1);
    Channel<int> back(1);
    Mutex mutex;
    Semaphore semaphore(1);
    TaskScope tasks(co_await current_context());
    tasks.spawn(calling([&]() -> Task<void> {
      while (const auto value = co_await there.receive()) {
        const auto guard = co_await mutex.lock();
        const auto permit = co_await semaphore.acquire();
        EXPECT_TRUE(co_await back.send(*value + 1));
        co_await yield();
      }
    }));
    std::uint64_t before = 0;
    for (int round = 0; round < 400; ++round) {
      if (round == 200) {
        before = allocations_made();
      }
      EXPECT_TRUE(co_await there.send(round));
      EXPECT_EQ(co_await back.receive(), round + 1);
      const auto guard = co_await mutex.lock();
      const auto permit = co_await semaphore.acquire();
    }
    EXPECT_EQ(allocations_made(), before);
    there.close();
    co_await tasks.join();
  }());
}

TEST(SocketAllocations, ReceivingFromAStreamCostsNone) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    const Pair pair = socket_pair();
    const auto buffers =
        ProvidedBuffers::create(loop.reactor(), {.count = 2, .buffer_bytes = 64}).value();
    ReceiveStream stream(loop.executor(), pair.near, *buffers);
    std::uint64_t before = 0;
    for (int round = 0; round < 400; ++round) {
      if (round == 200) {
        before = allocations_made();
      }
      put(pair.far.fd(), "hello");
      const auto got = co_await stream.next();
      EXPECT_EQ(text_of(got->bytes()), "hello");
    }
    EXPECT_EQ(allocations_made(), before);
    co_await stream.close();
  }());
}

TEST(SocketAllocations, ReceivesAndSendsOfEveryKindCostNone) {
  Loop loop;
  loop.run([]() -> Task<void> {
    const Pair pair = socket_pair();
    std::array<std::byte, 16> bytes{};
    std::array<std::byte, 16> buffer{};
    std::uint64_t before = 0;
    for (int round = 0; round < 400; ++round) {
      if (round == 200) {
        before = allocations_made();
      }
      const iovec out[] = {piece_to_send(bytes), piece_to_send(bytes)};
      EXPECT_EQ(co_await pair.near.send_vectored(out), 32U);
      const iovec in[] = {piece_to_fill(buffer), piece_to_fill(buffer)};
      EXPECT_EQ(co_await pair.far.receive_vectored(in), 32U);
      EXPECT_EQ(co_await pair.far.send(bytes), 16U);
      EXPECT_TRUE(co_await pair.near.wait_readable());
      EXPECT_EQ(co_await pair.near.receive(buffer), 16U);
      // A unix socket knows no send without a copy: this is the way of its error.
      ZeroCopySender sender(pair.near);
      EXPECT_FALSE(co_await sender.send(bytes));
      co_await sender.released();
    }
    EXPECT_EQ(allocations_made(), before);
  }());
}

}  // namespace
}  // namespace sluice::runtime_test
