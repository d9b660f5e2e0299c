// Streams that arm each receive on its own until they are known for bytes that come when they are
// waited for, on the real kernel.
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/receive_stream.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"
#include "tcp_pair.hpp"

namespace sluice::runtime_test {
namespace {

class RepeatedReceives : public ::testing::Test {
 protected:
  static constexpr int kEnough = 8;  // times to be waited for in a row

  RepeatedReceives() : shared_(make(8)), repeated_(make(8)) {}
  [[nodiscard]] std::unique_ptr<ProvidedBuffers> make(std::uint32_t count) {
    return *ProvidedBuffers::create(loop_.reactor(), {.count = count, .buffer_bytes = 64});
  }
  [[nodiscard]] ReceiveStreamOptions options() const {
    return {.multishot = false, .multishot_buffers = repeated_.get()};
  }

  // Says something each time that the stream waits.
  Task<void> talk(ReceiveStream& stream, const Socket& far, int times = kEnough) {
    for (int time = 0; time < times; ++time) {
      TaskScope speaking(co_await current_context());
      speaking.spawn([](const Socket& to) -> Task<void> {
        co_await yield();
        put(to.fd(), "hello");
      }(far));
      const auto got = co_await stream.next();
      EXPECT_EQ(text_of(got->bytes()), "hello");
      co_await speaking.join();
    }
  }
  [[nodiscard]] std::uint64_t registered() { return loop_.reactor().metrics().registered.value(); }

  Loop loop_;
  std::unique_ptr<ProvidedBuffers> shared_;
  std::unique_ptr<ProvidedBuffers> repeated_;
};

TEST_F(RepeatedReceives, TakeOneOperationOnceTheirBytesComeWhenTheyAreWaitedFor) {
  const Pair pair = tcp_pair(loop_);
  loop_.run([&]() -> Task<void> {
    ReceiveStream stream(loop_.executor(), pair.near, *shared_, options());
    co_await talk(stream, pair.far);
    const auto before = registered();
    co_await talk(stream, pair.far, 20);
    EXPECT_EQ(registered(), before);
    co_await stream.close();
  }());
  EXPECT_EQ(shared_->in_use().value(), 0);
  EXPECT_EQ(repeated_->in_use().value(), 0);
}

TEST_F(RepeatedReceives, WhoeverSendsUnaskedTakesNoneOfTheBuffersThatAllShare) {
  const Pair pair = tcp_pair(loop_);
  const auto flood = pattern(10'000);
  loop_.run([&]() -> Task<void> {
    ReceiveStream stream(loop_.executor(), pair.near, *shared_, options());
    co_await talk(stream, pair.far);
    put(pair.far.fd(), text_of(flood));
    for (int turn = 0; turn < 20; ++turn) {
      co_await yield();
    }
    EXPECT_EQ(shared_->in_use().value(), 0);
    std::vector<std::byte> all;
    while (all.size() < flood.size()) {
      const auto got = co_await stream.next();
      EXPECT_TRUE(got) << got.error().message();
      if (!got) {
        break;
      }
      all.insert(all.end(), got->bytes().begin(), got->bytes().end());
      co_await yield();
    }
    EXPECT_TRUE(all == flood);
    co_await stream.close();
  }());
  EXPECT_EQ(shared_->in_use().value(), 0);
  EXPECT_EQ(repeated_->in_use().value(), 0);
}

TEST_F(RepeatedReceives, GoOnWithTheSharedBuffersWhenThoseOfTheirOwnAreUsedUp) {
  repeated_ = make(1);
  const Pair one = tcp_pair(loop_);
  const Pair other = tcp_pair(loop_);
  loop_.run([&]() -> Task<void> {
    ReceiveStream holding(loop_.executor(), one.near, *shared_, options());
    ReceiveStream asking(loop_.executor(), other.near, *shared_, options());
    co_await talk(holding, one.far);
    co_await talk(asking, other.far);
    put(one.far.fd(), "kept");
    const auto kept = co_await holding.next();
    EXPECT_EQ(text_of(kept->bytes()), "kept");
    EXPECT_EQ(repeated_->in_use().value(), 1);
    co_await talk(asking, other.far, 2);
    EXPECT_EQ(shared_->exhausted().value(), 0U);
    co_await holding.close();
    co_await asking.close();
  }());
  EXPECT_EQ(repeated_->in_use().value(), 0);
}

TEST_F(RepeatedReceives, OfUnixSocketsAreArmedOneByOne) {
  const Pair pair = socket_pair();
  loop_.run([&]() -> Task<void> {
    ReceiveStream stream(loop_.executor(), pair.near, *shared_, options());
    co_await talk(stream, pair.far);
    const auto before = registered();
    co_await talk(stream, pair.far, 5);
    EXPECT_EQ(registered(), before + 5);
    co_await stream.close();
  }());
}

// Whether bytes come when they are waited for or not, and whenever the stream is closed: each byte
// is received once, and every buffer comes back.
TEST_F(RepeatedReceives, LoseNoByteAndNoBufferWheneverBytesCome) {
  std::mt19937 random(7);
  const auto race = [&](const Pair& pair, int rounds) -> Task<void> {
    PatternedStream bytes;
    for (int round = 0; round < rounds; ++round) {
      ReceiveStream stream(loop_.executor(), pair.near, *shared_, options());
      for (auto times = random() % 12; times > 0; --times) {
        put(pair.far.fd(), text_of(bytes.next(1 + random() % (random() % 8 == 0 ? 300 : 20))));
        const auto got = co_await stream.next();
        bytes.take(got->bytes());
        for (auto turns = random() % 3; turns > 0; --turns) {
          co_await yield();
        }
      }
      co_await stream.close();
      while (stream.waiting() > 0) {
        const auto got = co_await stream.next();
        bytes.take(got->bytes());
      }
      std::array<std::byte, 4096> rest;
      while (bytes.received() < bytes.sent()) {
        const ssize_t left = ::recv(pair.near.fd(), rest.data(), rest.size(), 0);
        EXPECT_GT(left, 0);
        if (left <= 0) {
          co_return;
        }
        bytes.take(std::span(rest).first(static_cast<std::size_t>(left)));
      }
    }
    EXPECT_EQ(bytes.received(), bytes.sent());
  };
  std::deque<Pair> pairs;
  for (int count = 0; count < 6; ++count) {
    pairs.push_back(tcp_pair(loop_));  // which runs the loop
  }
  for (const Pair& pair : pairs) {
    loop_.spawn(race(pair, 200));
  }
  loop_.run();
  EXPECT_EQ(shared_->in_use().value(), 0);
  EXPECT_EQ(repeated_->in_use().value(), 0);
  EXPECT_EQ(loop_.reactor().metrics().stale_completions.value(), 0U);
}

}  // namespace
}  // namespace sluice::runtime_test
