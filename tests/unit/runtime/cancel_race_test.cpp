// Operations that are cancelled at every moment there is: before they begin, before they are
// submitted, while the kernel has them, while they complete, and after.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/cancel.hpp>
#include <sluice/file.hpp>
#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(Cancel, BeforeAnOperationBeginsSubmitsNothing) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const Pair pair = socket_pair();
    put(pair.far.fd(), "x");
    CancelScope scope;
    scope.cancel();
    std::array<std::byte, 8> buffer;
    const auto got = co_await pair.near.receive(buffer).within(scope);
    EXPECT_TRUE(!got && is_cancelled(got.error()));
    EXPECT_EQ(loop.reactor().metrics().registered.value(), 0U);
    EXPECT_EQ(co_await pair.near.receive(buffer), 1U) << "the byte is still there";
  }());
}

TEST(Cancel, ReachesTheOperationsOfTasksBelow) {
  Loop loop;
  loop.run([]() -> Task<void> {
    const Pair pair = socket_pair();
    CancelScope scope;
    const auto deep = [&pair](auto&& self, int depth) -> Task<Result<std::size_t>> {
      if (depth > 0) {
        co_return co_await self(self, depth - 1);
      }
      std::array<std::byte, 8> buffer;
      co_return co_await pair.near.receive(buffer);
    };
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      cancelled.cancel();
    }(scope));
    const auto got = co_await deep(deep, 10).within(scope);
    EXPECT_TRUE(!got && is_cancelled(got.error()));
    co_await others.join();
  }());
}

TEST(Cancel, AnOperationThatFailsKeepsItsOwnError) {
  Loop loop;
  loop.run([]() -> Task<void> {
    CancelScope scope;
    std::array<std::byte, 8> buffer;
    const auto got = co_await File().read_at(buffer, 0).within(scope);
    EXPECT_EQ(got.error(), std::errc::bad_file_descriptor);
    EXPECT_FALSE(scope.has_links());
  }());
}

TEST(Cancel, AnOperationThatEndedHasLeftItsScope) {
  Loop loop;
  loop.run([]() -> Task<void> {
    CancelScope scope;
    for (int round = 0; round < 100; ++round) {
      EXPECT_TRUE(co_await Operation(NopRequest{}).within(scope));
      EXPECT_FALSE(scope.has_links());
    }
  }());
}

TEST(Cancel, AWaitInTheMiddleOfManyCanBeTakenOutAlone) {
  Loop loop;
  loop.run([]() -> Task<void> {
    constexpr std::size_t kCount = 20;
    const Pair pair = socket_pair();
    std::deque<CancelScope> scopes;
    std::vector<int> ended;
    TaskScope tasks(co_await current_context());
    const auto wait = [&](std::size_t number) -> Task<void> {
      const auto got = co_await pair.near.wait_readable().within(scopes[number]);
      EXPECT_TRUE(!got && is_cancelled(got.error()));
      ended.push_back(static_cast<int>(number));
    };
    for (std::size_t number = 0; number < kCount; ++number) {
      scopes.emplace_back();
      tasks.spawn(wait(number));
    }
    co_await yield();
    std::vector<int> expected;
    for (const std::size_t number : {7U, 0U, 19U, 8U}) {
      scopes[number].cancel();
      expected.push_back(static_cast<int>(number));
      while (ended.size() < expected.size()) {
        co_await yield();
      }
      EXPECT_EQ(ended, expected);
    }
    for (CancelScope& scope : scopes) {
      scope.cancel();
    }
    co_await tasks.join();
    EXPECT_EQ(ended.size(), kCount);
  }());
}

// One byte after the other is sent to a receiver whose receive is cancelled about when it comes.
// Whoever wins, no byte may be lost, doubled or out of order.
class ReceiveRace {
 public:
  explicit ReceiveRace(unsigned seed) : random_(seed) {}

  Task<void> run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      CancelScope scope((co_await current_context()).cancel_scope);
      TaskScope tasks(co_await current_context());
      const auto order = random_() % 3;
      if (order == 0) {
        tasks.spawn(disturb(scope));
      }
      tasks.spawn(receive(scope));
      if (order != 0) {
        tasks.spawn(disturb(scope));
      }
      co_await tasks.join();
    }
    EXPECT_GT(bytes_.received(), 0U);
    EXPECT_GT(cancelled_, 0U);
    // What is left in the socket is exactly what the receiver has not had.
    std::array<std::byte, 256> rest;
    while (bytes_.received() < bytes_.sent()) {
      const ssize_t count = ::recv(pair_.near.fd(), rest.data(), rest.size(), MSG_DONTWAIT);
      CO_ASSERT_TRUE(count > 0);
      bytes_.take(std::span(rest).first(static_cast<std::size_t>(count)));
    }
    EXPECT_EQ(::recv(pair_.near.fd(), rest.data(), rest.size(), MSG_DONTWAIT), -1);
  }

 private:
  Task<void> receive(CancelScope& scope) {
    std::array<std::byte, 4> buffer;
    buffer.fill(kUntouched);
    const auto got = co_await pair_.near.receive(buffer).within(scope);
    if (got) {
      bytes_.take(std::span(buffer).first(*got));
    } else {
      EXPECT_TRUE(is_cancelled(got.error())) << got.error().message();
      EXPECT_EQ(buffer[0], kUntouched) << "a cancelled receive took a byte with it";
      ++cancelled_;
    }
  }
  Task<void> disturb(CancelScope& scope) {
    const bool sends = random_() % 4 != 0;
    const bool sends_first = random_() % 2 != 0;
    for (auto turns = random_() % 3; turns > 0; --turns) {
      co_await yield();
    }
    if (sends && sends_first) {
      send();
      for (auto turns = random_() % 3; turns > 0; --turns) {
        co_await yield();
      }
    }
    scope.cancel();
    if (sends && !sends_first) {
      send();
    }
  }
  void send() { put(pair_.far.fd(), text_of(bytes_.next(1))); }

  static constexpr std::byte kUntouched{0xfe};
  Pair pair_ = socket_pair();
  std::mt19937 random_;
  PatternedStream bytes_;
  std::uint64_t cancelled_ = 0;
};

TEST(CancelRace, LosesNoByteOfAReceive) {
  Loop loop;
  ReceiveRace race(42);
  loop.run(race.run(10'000));
  EXPECT_EQ(loop.reactor().metrics().stale_completions.value(), 0U);
  EXPECT_EQ(loop.reactor().in_flight(), 0U);
}

TEST(CancelRace, ManyAtOnceLoseNoByteWhenTheQueuesAreFull) {
  Loop loop(kSmallRing, {}, {.resumes_per_turn = 1000});
  std::deque<ReceiveRace> races;
  for (unsigned seed = 0; seed < 150; ++seed) {
    loop.spawn(races.emplace_back(seed).run(100));
  }
  loop.run();
  EXPECT_GT(loop.reactor().metrics().parked_total.value(), 0U);
  EXPECT_EQ(loop.reactor().metrics().stale_completions.value(), 0U);
}

TEST(CancelRace, LosesNoDescriptorOfAnOpen) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file", "x");
  Loop loop;
  const auto before = open_descriptors();
  std::mt19937 random(1);
  int opened = 0;
  const auto open = [&](CancelScope& scope) -> Task<void> {
    if (const auto fd = co_await File::open(path.c_str(), O_RDONLY).within(scope)) {
      ++opened;
    } else {
      EXPECT_TRUE(is_cancelled(fd.error()));
    }
  };
  loop.run([&]() -> Task<void> {
    for (int round = 0; round < 500; ++round) {
      TaskScope tasks(co_await current_context());
      CancelScope scope;
      for (int count = 0; count < 5; ++count) {
        tasks.spawn(open(scope));
      }
      for (auto turns = random() % 3; turns > 0; --turns) {
        co_await yield();
      }
      scope.cancel();
      co_await tasks.join();
    }
  }());
  EXPECT_GT(opened, 0);
  EXPECT_LT(opened, 2500);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(CancelRace, ATimerThatExpiresAsItIsCancelledResumesItsTaskOnce) {
  Loop loop;
  int slept = 0;
  int cancelled = 0;
  loop.run([&]() -> Task<void> {
    for (int round = 0; round < 300; ++round) {
      TaskScope tasks(co_await current_context());
      const TimePoint when = loop.executor().now() + 200us;
      CancelScope& scope = tasks.cancel_scope();
      tasks.spawn([](TimePoint until, int& ok, int& ended) -> Task<void> {
        ((co_await sleep_until(until)) ? ok : ended) += 1;
      }(when, slept, cancelled));
      tasks.spawn([](TimePoint until, CancelScope& other, int spins) -> Task<void> {
        static_cast<void>(co_await sleep_until(until));
        for (int spin = 0; spin < spins; ++spin) {
          co_await yield();
        }
        other.cancel();
      }(when - (round % 3) * 100us, scope, round % 2));
      co_await tasks.join();
    }
  }());
  EXPECT_EQ(slept + cancelled, 300);
}

TEST(CancelRace, StoppingTheExecutorEndsEverythingWhateverItDoes) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    Loop loop;
    std::mt19937 random(seed);
    for (unsigned count = 0; count < 10; ++count) {
      loop.spawn(calling([&loop, turns = random() % 100]() -> Task<void> {
        const Pair pair = socket_pair();
        std::array<std::byte, 8> buffer;
        for (unsigned turn = 0; turn < turns; ++turn) {
          put(pair.far.fd(), "y");
          if (const auto got = co_await pair.near.receive(buffer); !got) {
            co_return;
          }
        }
        loop.executor().stop();
        const auto got = co_await pair.near.receive(buffer);
        EXPECT_TRUE(!got && is_cancelled(got.error()));
      }));
    }
    loop.run();
    EXPECT_EQ(loop.reactor().in_flight(), 0U);
  }
}

}  // namespace
}  // namespace sluice::runtime_test
