// Messages from other threads to an executor.
#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/executor.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

class FunctionMessage final : public Message {
 public:
  explicit FunctionMessage(std::function<void()> work = {}) : work_(std::move(work)) {}
  void run() noexcept override { work_(); }
  void set(std::function<void()> work) { work_ = std::move(work); }

 private:
  std::function<void()> work_;
};

TEST(ExecutorMessages, RunInTheOrderOfPosting) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  std::vector<int> order;
  std::deque<FunctionMessage> messages;
  for (int number = 0; number < 100; ++number) {
    loop.executor().post(messages.emplace_back([&order, number] { order.push_back(number); }));
  }
  EXPECT_TRUE(order.empty());
  loop.run();  // messages alone are work
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ExecutorMessages, OneMaySpawnAndMayPostItselfAgain) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  int left = 1000;
  int tasks = 0;
  FunctionMessage message;
  message.set([&] {
    loop.spawn(calling([&tasks]() -> Task<void> {
      ++tasks;
      co_return;
    }));
    if (--left > 0) {
      loop.executor().post(message);
    }
  });
  loop.executor().post(message);
  loop.run();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(tasks, 1000);
}

TEST(ExecutorMessages, OneMayDestroyItself) {
  struct OneShot final : Message {
    explicit OneShot(int& runs_in) : runs(runs_in) {}
    void run() noexcept override {
      const std::unique_ptr<OneShot> self(this);
      ++runs;
    }
    int& runs;
  };
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  int runs = 0;
  for (int count = 0; count < 10; ++count) {
    loop.executor().post(*std::make_unique<OneShot>(runs).release());
  }
  loop.run();
  EXPECT_EQ(runs, 10);
}

TEST(ExecutorMessages, OneThatPostsItselfForEverStarvesNoTask) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  bool done = false;
  FunctionMessage message;
  message.set([&] {
    if (!done) {
      loop.executor().post(message);
    }
  });
  loop.executor().post(message);
  loop.run([](bool& finished) -> Task<void> {
    for (int count = 0; count < 100; ++count) {
      co_await yield();
    }
    finished = true;
  }(done));
  EXPECT_TRUE(done);
}

TEST(ExecutorMessages, ManyThreadsLoseNoneAndKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  std::vector<int> next(kThreads);
  int received = 0;
  bool in_order = true;
  std::vector<std::deque<FunctionMessage>> messages(kThreads);
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    for (int number = 0; number < kEach; ++number) {
      messages[thread].emplace_back([&, thread, number] {
        in_order = in_order && next[thread]++ == number;
        if (++received == kThreads * kEach) {
          loop.executor().release();
        }
      });
    }
  }
  loop.executor().hold();
  std::vector<std::thread> threads;
  for (auto& of_thread : messages) {
    threads.emplace_back([&loop, &of_thread] {
      for (FunctionMessage& message : of_thread) {
        loop.executor().post(message);
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(in_order);
  EXPECT_EQ(received, kThreads * kEach);
  EXPECT_LE(loop.reactor().metrics().wakeups.value(), static_cast<std::uint64_t>(received));
}

// One message at a time, each sent when the last has been answered: the executor goes to sleep
// between any two, and a wake-up that got lost would hang this test.
TEST(ExecutorMessages, NoWakeUpIsLostWhenEachComesAsTheLoopFallsAsleep) {
  constexpr int kRounds = 20'000;
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.executor().hold();
  std::atomic<int> answered{0};
  FunctionMessage message([&answered] {
    answered.fetch_add(1, std::memory_order_release);
    answered.notify_one();
  });
  FunctionMessage last([&loop] { loop.executor().release(); });
  std::thread other([&] {
    for (int round = 0; round < kRounds; ++round) {
      loop.executor().post(message);
      // Half the time spin, so that the next message meets the loop on its way to sleep.
      while (round % 2 == 0 && answered.load(std::memory_order_acquire) <= round) {
      }
      answered.wait(round, std::memory_order_acquire);
    }
    loop.executor().post(last);
  });
  loop.run();
  other.join();
  EXPECT_EQ(answered, kRounds);
  EXPECT_EQ(loop.executor().metrics().messages_received.value(), kRounds + 1U);
}

TEST(ExecutorMessages, ALoopThatIsAwakeIsNotWoken) {
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  int received = 0;
  std::deque<FunctionMessage> messages;
  loop.run([&]() -> Task<void> {
    for (int number = 0; number < 1000; ++number) {
      loop.executor().post(messages.emplace_back([&received] { ++received; }));
      if (number % 10 == 0) {
        co_await yield();
      }
    }
  }());
  EXPECT_EQ(received, 1000);
  EXPECT_EQ(loop.reactor().metrics().wakeups.value(), 0U);
}

}  // namespace
}  // namespace sluice::runtime_test
