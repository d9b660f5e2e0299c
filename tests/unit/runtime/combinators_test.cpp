#include <sluice/combinators.hpp>

#include <fcntl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/file.hpp>
#include <sluice/operations.hpp>
#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

template <class T>
Task<T> after(int turns, T value) {
  for (; turns > 0; --turns) {
    co_await yield();
  }
  co_return value;
}
Task<void> mark(bool& flag) {
  co_await yield();
  flag = true;
}
Task<Result<int>> sleep_long(int value) {
  if (const auto slept = co_await sleep_for(1h); !slept) {
    co_return std::unexpected(slept.error());
  }
  co_return value;
}
/// Takes no notice of being cancelled.
Task<Result<int>> stubborn(int turns, int value) {
  for (; turns > 0; --turns) {
    co_await yield();
  }
  co_return value;
}

TEST(WhenAll, GivesAllValuesInTheOrderOfTheTasks) {
  Loop loop;
  loop.run([]() -> Task<void> {
    bool marked = false;
    auto [number, text, nothing, pointer] =
        co_await when_all(after(5, 1), after<std::string>(0, "two"), mark(marked),
                          after(2, std::make_unique<int>(4)));
    EXPECT_EQ(number, 1);
    EXPECT_EQ(text, "two");
    EXPECT_EQ(nothing, Nothing{});
    EXPECT_TRUE(marked);
    EXPECT_EQ(*pointer, 4);
  }());
}

TEST(WhenAll, OfNothingIsReady) {
  Loop loop;
  loop.run([]() -> Task<void> {
    EXPECT_EQ(co_await when_all(), std::tuple<>());
    EXPECT_TRUE((co_await when_all(std::vector<Task<int>>())).empty());
  }());
}

TEST(WhenAll, RunsAnyNumberSideBySide) {
  Loop loop;
  loop.run([]() -> Task<void> {
    std::vector<Task<int>> tasks;
    for (int number = 0; number < 1000; ++number) {
      tasks.push_back(after((number * 7) % 13, number));
    }
    const std::vector<int> values = co_await when_all(std::move(tasks));
    CO_ASSERT_TRUE(values.size() == 1000);
    for (int number = 0; number < 1000; ++number) {
      EXPECT_EQ(values[static_cast<std::size_t>(number)], number);
    }
    std::vector<Task<void>> voids;
    std::array<bool, 3> marks{};
    for (bool& flag : marks) {
      voids.push_back(mark(flag));
    }
    EXPECT_EQ((co_await when_all(std::move(voids))).size(), 3U);
    EXPECT_TRUE(marks[0] && marks[1] && marks[2]);
  }());
}

TEST(WhenAll, IsCancelledWithItsCaller) {
  Loop loop;
  loop.run([]() -> Task<void> {
    CancelScope scope;
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      co_await yield();
      cancelled.cancel();
    }(scope));
    auto [first, second] = co_await when_all(sleep_long(1), sleep_long(2)).within(scope);
    EXPECT_TRUE(!first && is_cancelled(first.error()));
    EXPECT_TRUE(!second && is_cancelled(second.error()));
    co_await others.join();
  }());
}

TEST(WhenAny, CancelsAndAwaitsTheLosers) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    auto any = co_await when_any(sleep_long(1), stubborn(2, 2), sleep_long(3));
    EXPECT_EQ(any.first, 1U);
    EXPECT_TRUE(is_cancelled(std::get<0>(any.results).error()));
    EXPECT_EQ(std::get<1>(any.results), 2);
    EXPECT_TRUE(is_cancelled(std::get<2>(any.results).error()));
    EXPECT_EQ(loop.executor().metrics().tasks_alive.value(), 1) << "only the caller is left";
    CancelScope* mine = (co_await current_context()).cancel_scope;
    EXPECT_FALSE(mine->is_cancelled());
  }());
}

TEST(WhenAny, ALoserThatSucceedsKeepsItsValue) {
  Loop loop;
  loop.run([]() -> Task<void> {
    const auto any = co_await when_any(stubborn(9, 1), stubborn(0, 2), stubborn(3, 3));
    EXPECT_EQ(any.first, 1U);
    EXPECT_EQ(std::get<0>(any.results), 1);
    EXPECT_EQ(std::get<2>(any.results), 3);
  }());
}

TEST(WhenAny, TheFirstOfThoseThatAreReadyAtOnceWins) {
  Loop loop;
  loop.run([]() -> Task<void> {
    bool marked = false;
    const auto any = co_await when_any(after(0, 'a'), after(0, 'b'), mark(marked));
    EXPECT_EQ(any.first, 0U);
    EXPECT_EQ(std::get<1>(any.results), 'b');
    EXPECT_TRUE(marked);
  }());
}

TEST(WhenAny, OfOneIsThatOne) {
  Loop loop;
  loop.run([]() -> Task<void> {
    auto any = co_await when_any(after(3, std::make_unique<int>(5)));
    EXPECT_EQ(any.first, 0U);
    EXPECT_EQ(*std::get<0>(any.results), 5);
  }());
}

// The two descriptors that were opened come to the caller, whoever was first.
TEST(WhenAny, LosesNoDescriptor) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file", "x");
  Loop loop;
  const auto before = open_descriptors();
  const auto open = [](const char* name) -> Task<Result<UniqueFd>> {
    co_return co_await File::open(name, O_RDONLY);
  };
  loop.run([&]() -> Task<void> {
    for (int round = 0; round < 200; ++round) {
      auto any = co_await when_any(open(path.c_str()), open(path.c_str()));
      EXPECT_TRUE(std::get<0>(any.results) || std::get<1>(any.results));
    }
  }());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(WithDeadline, ATaskThatIsLateTimesOut) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint when = loop.executor().now() + 5ms;
    const auto result = co_await with_deadline(when, sleep_long(1));
    EXPECT_EQ(result.error(), std::errc::timed_out);
    EXPECT_GE(loop.executor().now(), when);
  }());
}

TEST(WithDeadline, ATaskInTimeGivesItsValueOrItsError) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint when = loop.executor().now() + 1h;
    EXPECT_EQ(co_await with_deadline(when, stubborn(3, 7)), 7);
    const auto fails = []() -> Task<Result<int>> { co_return failure(EPIPE); };
    EXPECT_EQ((co_await with_deadline(when, fails())).error(), std::errc::broken_pipe);
    const auto nothing = []() -> Task<Result<void>> { co_return Result<void>(); };
    EXPECT_TRUE(co_await with_deadline(when, nothing()));
  }());
}

TEST(WithDeadline, AResultThatIsThereFirstIsDeliveredHoweverLate) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint past = loop.executor().now() - 1s;
    EXPECT_EQ(co_await with_deadline(past, stubborn(0, 7)), 7);
    EXPECT_EQ(co_await with_deadline(past, stubborn(50, 8)), 8);
  }());
}

TEST(WithDeadline, ADeadlineThatHasPassedEndsWhatWaits) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint past = loop.executor().now() - 1s;
    EXPECT_EQ((co_await with_deadline(past, sleep_long(1))).error(), std::errc::timed_out);
    const Pair pair = socket_pair();
    std::array<std::byte, 8> buffer;
    const auto got = co_await with_deadline(past, pair.near.receive(buffer));
    EXPECT_EQ(got.error(), std::errc::timed_out);
  }());
}

TEST(WithDeadline, EndsASingleOperation) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const Pair pair = socket_pair();
    std::array<std::byte, 8> buffer;
    const TimePoint when = loop.executor().now() + 5ms;
    EXPECT_EQ((co_await with_deadline(when, pair.near.receive(buffer))).error(),
              std::errc::timed_out);
    put(pair.far.fd(), "abc");
    EXPECT_EQ(co_await with_deadline(when + 1h, pair.near.receive(buffer)), 3U);
    EXPECT_EQ((co_await with_deadline(when + 1h, Socket().receive(buffer))).error(),
              std::errc::bad_file_descriptor);
  }());
}

TEST(WithDeadline, OpensAFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file", "x");
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint when = loop.executor().now() + 1h;
    EXPECT_TRUE(co_await with_deadline(when, File::open(path.c_str(), O_RDONLY)));
  }());
}

TEST(WithDeadline, BeingCancelledFromAboveIsNotATimeout) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    CancelScope scope;
    TaskScope others(co_await current_context());
    others.spawn([](CancelScope& cancelled) -> Task<void> {
      co_await yield();
      co_await yield();
      cancelled.cancel();
    }(scope));
    const auto result =
        co_await with_deadline(loop.executor().now() + 1h, sleep_long(1)).within(scope);
    EXPECT_TRUE(!result && is_cancelled(result.error()));
    co_await others.join();
  }());
}

TEST(WithDeadline, TheNearerOfTwoDeadlinesCounts) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    const TimePoint now = loop.executor().now();
    const auto inner_first =
        co_await with_deadline(now + 1h, with_deadline(now + 5ms, sleep_long(1)));
    EXPECT_EQ(inner_first.error(), std::errc::timed_out);
    const auto outer_first =
        co_await with_deadline(now + 10ms, with_deadline(now + 1h, sleep_long(1)));
    EXPECT_EQ(outer_first.error(), std::errc::timed_out);
  }());
}

TEST(Combinators, NestAndLeaveNothingInFlight) {
  Loop loop;
  loop.run([&]() -> Task<void> {
    for (int round = 0; round < 100; ++round) {
      auto [left, right] = co_await when_all(when_any(sleep_long(1), stubborn(round % 5, 2)),
                                             when_any(stubborn(round % 7, 3), sleep_long(4)));
      EXPECT_EQ(left.first, 1U);
      EXPECT_EQ(right.first, 0U);
      EXPECT_EQ(loop.executor().metrics().tasks_alive.value(), 1);
    }
  }());
  EXPECT_EQ(loop.reactor().in_flight(), 0U);
}

}  // namespace
}  // namespace sluice::runtime_test
