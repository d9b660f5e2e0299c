#include <sluice/channel.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

TEST(ChannelTest, BringsEveryValueOnceInOrderThroughLittleRoom) {
  for (const std::size_t capacity : {1U, 2U, 7U, 1000U}) {
    Loop loop;
    Channel<std::unique_ptr<int>> channel(capacity);
    std::vector<int> received;
    loop.spawn(calling([&]() -> Task<void> {
      for (int number = 0; number < 500; ++number) {
        EXPECT_TRUE(co_await channel.send(std::make_unique<int>(number)));
        EXPECT_LE(channel.size(), capacity);
      }
      channel.close();
    }));
    loop.run([&]() -> Task<void> {
      while (true) {
        const auto value = co_await channel.receive();
        if (!value) {
          EXPECT_EQ(value.error(), std::errc::broken_pipe);
          break;
        }
        received.push_back(**value);
      }
    }());
    EXPECT_EQ(received.size(), 500U);
    EXPECT_TRUE(std::ranges::is_sorted(received));
  }
}

TEST(ChannelTest, ReceiversAndSendersAreServedInTheOrderTheyCame) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Channel<int> channel(1);
    std::vector<std::string> order;
    TaskScope tasks(co_await current_context());
    const auto receive = [&](const char* name) -> Task<void> {
      const auto value = co_await channel.receive();
      order.push_back(name + std::to_string(value.value_or(-1)));
    };
    const auto send = [&](int value) -> Task<void> { EXPECT_TRUE(co_await channel.send(value)); };
    tasks.spawn(receive("a"));
    tasks.spawn(receive("b"));
    co_await yield();
    for (int value = 1; value <= 5; ++value) {
      tasks.spawn(send(value));
    }
    co_await yield();
    co_await yield();
    EXPECT_EQ(order, (std::vector<std::string>{"a1", "b2"}));
    EXPECT_EQ(channel.try_receive(), 3);
    EXPECT_EQ(channel.try_receive(), 4);
    EXPECT_EQ(channel.try_receive(), 5);
    EXPECT_EQ(channel.try_receive().error(), std::errc::resource_unavailable_try_again);
    co_await tasks.join();
  }());
}

TEST(ChannelTest, TryingNeverWaitsAndLeavesTheValueAlone) {
  Channel<std::string> channel(1);
  std::string value = "first";
  EXPECT_TRUE(channel.try_send(std::move(value)));
  value = "second";
  EXPECT_EQ(channel.try_send(std::move(value)).error(), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(value,
            "second");  // NOLINT(bugprone-use-after-move): that it was not moved is the point
  channel.close();
  channel.close();
  EXPECT_TRUE(channel.is_closed());
  EXPECT_EQ(channel.try_send(std::move(value)).error(), std::errc::broken_pipe);
  EXPECT_EQ(channel.try_receive(), "first") << "what was sent before the close is still there";
  EXPECT_EQ(channel.try_receive().error(), std::errc::broken_pipe);
}

TEST(ChannelTest, ClosingWakesBothSides) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Channel<int> empty(1);
    Channel<int> full(1);
    EXPECT_TRUE(co_await full.send(1));
    TaskScope tasks(co_await current_context());
    int ended = 0;
    const auto receive = [&]() -> Task<void> {
      EXPECT_EQ((co_await empty.receive()).error(), std::errc::broken_pipe);
      ++ended;
    };
    const auto send = [&]() -> Task<void> {
      EXPECT_EQ((co_await full.send(2)).error(), std::errc::broken_pipe);
      ++ended;
    };
    tasks.spawn(receive());
    tasks.spawn(receive());
    tasks.spawn(send());
    tasks.spawn(send());
    co_await yield();
    EXPECT_EQ(ended, 0);
    empty.close();
    full.close();
    co_await tasks.join();
    EXPECT_EQ(ended, 4);
    EXPECT_EQ(co_await full.receive(), 1);
    EXPECT_EQ((co_await full.send(3)).error(), std::errc::broken_pipe);
  }());
}

TEST(ChannelTest, ADeadlineEndsAWaitOnEitherSide) {
  Loop loop;
  loop.run([&loop]() -> Task<void> {
    Channel<int> channel(1);
    const auto nothing = co_await with_deadline(loop.executor().now() + 1ms, channel.receive());
    EXPECT_EQ(nothing.error(), std::errc::timed_out);
    EXPECT_TRUE(co_await channel.send(1));
    const auto refused = co_await with_deadline(loop.executor().now() + 1ms, channel.send(2));
    EXPECT_EQ(refused.error(), std::errc::timed_out);
    EXPECT_EQ(channel.try_receive(), 1);
    EXPECT_EQ(channel.size(), 0U) << "the value of the sender that left is gone with it";
  }());
}

TEST(ChannelTest, InACancelledScopeNothingIsSentOrTaken) {
  Loop loop;
  loop.run([]() -> Task<void> {
    Channel<int> channel(2);
    CancelScope scope;
    scope.cancel();
    EXPECT_TRUE(is_cancelled((co_await channel.send(1).within(scope)).error()));
    EXPECT_EQ(channel.size(), 0U);
    EXPECT_TRUE(co_await channel.send(2));
    EXPECT_TRUE(is_cancelled((co_await channel.receive().within(scope)).error()));
    EXPECT_EQ(channel.size(), 1U);
  }());
}

TEST(ChannelTest, CancelledAtRandomMomentsLosesAndDoublesNoValue) {
  Loop loop;
  std::mt19937 random(3);
  std::vector<int> sent;
  std::vector<int> received;
  loop.run([&]() -> Task<void> {
    Channel<int> channel(2);
    int next = 0;
    const auto send = [&](CancelScope& scope) -> Task<void> {
      const int value = next++;
      if (co_await channel.send(value).within(scope)) {
        sent.push_back(value);
      }
    };
    const auto receive = [&](CancelScope& scope) -> Task<void> {
      if (const auto value = co_await channel.receive().within(scope)) {
        received.push_back(*value);
      }
    };
    for (int round = 0; round < 2000; ++round) {
      TaskScope tasks(co_await current_context());
      CancelScope scopes[2];
      for (auto count = random() % 8 + 1; count > 0; --count) {
        CancelScope& scope = scopes[random() % 2];
        tasks.spawn(random() % 2 == 0 ? send(scope) : receive(scope));
      }
      for (auto turns = random() % 4; turns > 0; --turns) {
        co_await yield();
      }
      scopes[0].cancel();
      co_await yield();
      scopes[1].cancel();
      co_await tasks.join();
    }
    while (const auto value = channel.try_receive()) {
      received.push_back(*value);
    }
  }());
  EXPECT_GT(sent.size(), 1000U);
  std::ranges::sort(sent);
  std::ranges::sort(received);
  EXPECT_EQ(sent, received);
}

TEST(ChannelDeathTest, EndingWhileSomebodyWaitsAborts) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.run([]() -> Task<void> {
          TaskScope tasks(co_await current_context());
          Channel<int> channel(1);
          tasks.spawn([](Channel<int>& waiting) -> Task<void> {
            static_cast<void>(co_await waiting.receive());
          }(channel));
          co_await yield();
        }());
      },
      "broken rule: a Channel outlives those who wait for it");
}

}  // namespace
}  // namespace sluice::runtime_test
