// Wrong calls that the type system does not stop: each ends the program with the rule it breaks, in
// release builds too. (Those about destroying what is in use stand with the tests of the thing.)
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

void on_another_thread(const std::function<void()>& call) { std::thread(call).join(); }

constexpr const char* kReactorRule = "broken rule: a Reactor is called by the thread that made it";
constexpr const char* kExecutorRule =
    "broken rule: tasks of an Executor are spawned, cancelled and woken on its thread";
constexpr const char* kScopeRule =
    "broken rule: a CancelScope is cancelled on the thread that made it";

TEST(BrokenRulesDeathTest, AwaitingAnOperationTwice) {
  EXPECT_DEATH(Loop().run(calling([]() -> Task<void> {
    Operation nop(NopRequest{});
    static_cast<void>(co_await nop);
    static_cast<void>(co_await nop);
  })),
               "broken rule: an Operation is awaited once");
}

void await_from_two_coroutines() {
  Loop loop;
  const Pair silent = socket_pair();
  std::array<std::byte, 4> buffer;
  auto operation = silent.near.receive(buffer);
  const auto await = [](auto& shared) -> Task<void> { static_cast<void>(co_await shared); };
  loop.spawn(await(operation));
  loop.run(await(operation));
}

TEST(BrokenRulesDeathTest, AwaitingAnOperationFromTwoCoroutines) {
  EXPECT_DEATH(await_from_two_coroutines(), "broken rule: an Operation is awaited once");
}

TEST(BrokenRulesDeathTest, AwaitingAnOperationAgainThatWasCancelledBeforeItBegan) {
  EXPECT_DEATH(
      {
        Loop loop;
        loop.executor().stop();
        loop.run(calling([]() -> Task<void> {
          Operation nop(NopRequest{});
          static_cast<void>(co_await nop);
          static_cast<void>(co_await nop);
        }));
      },
      "broken rule: an Operation is awaited once");
}

Task<void> nothing() { co_return; }

TEST(BrokenRulesDeathTest, AwaitingATaskTwice) {
  EXPECT_DEATH(Loop().run(calling([]() -> Task<void> {
    Task<void> task = nothing();
    co_await std::move(task);
    co_await std::move(task);  // NOLINT(bugprone-use-after-move): it is the test
  })),
               "broken rule: a Task is spawned or awaited once");
}

TEST(BrokenRulesDeathTest, SpawningATaskTwice) {
  EXPECT_DEATH(
      {
        Loop loop;
        Task<void> task = nothing();
        loop.spawn(std::move(task));
        loop.spawn(std::move(task));  // NOLINT(bugprone-use-after-move): it is the test
      },
      "broken rule: a Task is spawned or awaited once");
}

TEST(BrokenRulesDeathTest, RegisteringAnOperationFromAnotherThread) {
  EXPECT_DEATH(
      {
        Loop loop;
        RecordingWaker waker;
        on_another_thread([&] { static_cast<void>(loop.reactor().register_operation(waker, {})); });
      },
      kReactorRule);
}

TEST(BrokenRulesDeathTest, CancellingAnOperationFromAnotherThread) {
  EXPECT_DEATH(
      {
        Loop loop;
        RecordingWaker waker;
        const auto id = loop.reactor().register_operation(waker, {});
        on_another_thread([&] { loop.reactor().cancel(*id); });
      },
      kReactorRule);
}

TEST(BrokenRulesDeathTest, WaitingFromAnotherThread) {
  EXPECT_DEATH(
      {
        Loop loop;
        on_another_thread([&] { loop.reactor().wait(Duration::zero()); });
      },
      kReactorRule);
}

TEST(BrokenRulesDeathTest, SpawningFromAnotherThread) {
  EXPECT_DEATH(
      {
        Loop loop;
        on_another_thread([&] { loop.spawn(nothing()); });
      },
      kExecutorRule);
}

TEST(BrokenRulesDeathTest, PostingToAnExecutorThatTakesNoMessages) {
  struct Nothing final : Message {
    void run() noexcept override {}
  };
  EXPECT_DEATH(
      {
        Loop loop;
        Nothing message;
        loop.executor().post(message);
      },
      "broken rule: an Executor takes messages, .* after enable_messages");
}

// A cancel across shards: what it reaches first, an operation or a sleep, tells the rule.
void cancel_from_another_thread(const std::function<Task<void>()>& wait_for_long) {
  Loop loop;
  loop.run(calling([&]() -> Task<void> {
    TaskScope scope(co_await current_context());
    scope.spawn(wait_for_long());
    co_await yield();
    co_await yield();
    on_another_thread([&scope] { scope.cancel(); });
    co_await scope.join();
  }));
}

Task<void> receive_from(const Socket& silent) {
  std::array<std::byte, 4> buffer;
  static_cast<void>(co_await silent.receive(buffer));
}

TEST(BrokenRulesDeathTest, CancellingAReceiveFromAnotherThread) {
  const Pair silent = socket_pair();
  EXPECT_DEATH(cancel_from_another_thread([&silent] { return receive_from(silent.near); }),
               kScopeRule);
}

TEST(BrokenRulesDeathTest, CancellingASleepFromAnotherThread) {
  EXPECT_DEATH(
      cancel_from_another_thread([]() -> Task<void> { static_cast<void>(co_await sleep_for(1h)); }),
      kScopeRule);
}

// Looked at while the program aborts: the rule is broken before anything has changed.
std::function<bool()> is_untouched;
void tell_whether_untouched(int /*signal*/) {
  const char* text = is_untouched() ? " and nothing changed\n" : " and it changed\n";
  static_cast<void>(!::write(STDERR_FILENO, text, std::strlen(text)));
}

void call_from_another_thread(const std::function<Task<void>()>& wait_for_long,
                              const std::function<void()>& call, std::function<bool()> untouched) {
  Loop loop;
  is_untouched = std::move(untouched);
  std::signal(SIGABRT, tell_whether_untouched);
  loop.spawn(wait_for_long());
  loop.run(calling([&call]() -> Task<void> {
    co_await yield();
    on_another_thread(call);
  }));
}

TEST(BrokenRulesDeathTest, SettingAnEventFromAnotherThreadChangesNothing) {
  Event event;
  EXPECT_DEATH(
      call_from_another_thread([&]() -> Task<void> { static_cast<void>(co_await event.wait()); },
                               [&] { event.set(); }, [&] { return !event.is_set(); }),
      "and nothing changed");
}

TEST(BrokenRulesDeathTest, GivingUnitsBackFromAnotherThreadChangesNothing) {
  EXPECT_DEATH(
      {
        Semaphore semaphore(1);
        std::optional<SemaphorePermit> permit = semaphore.try_acquire();
        call_from_another_thread(
            [&]() -> Task<void> { static_cast<void>(co_await semaphore.acquire()); },
            [&] { permit.reset(); }, [&] { return semaphore.available() == 0; });
      },
      "and nothing changed");
}

TEST(BrokenRulesDeathTest, UnlockingAMutexFromAnotherThreadChangesNothing) {
  EXPECT_DEATH(
      {
        Mutex mutex;
        std::optional<MutexGuard> guard = mutex.try_lock();
        call_from_another_thread([&]() -> Task<void> { static_cast<void>(co_await mutex.lock()); },
                                 [&] { guard.reset(); }, [&] { return mutex.is_locked(); });
      },
      "and nothing changed");
}

TEST(BrokenRulesDeathTest, ClosingAChannelFromAnotherThreadChangesNothing) {
  Channel<int> channel(1);
  EXPECT_DEATH(call_from_another_thread(
                   [&]() -> Task<void> { static_cast<void>(co_await channel.receive()); },
                   [&] { channel.close(); }, [&] { return !channel.is_closed(); }),
               "and nothing changed");
}

TEST(BrokenRulesDeathTest, ReceivingFromAFullChannelOnAnotherThreadChangesNothing) {
  EXPECT_DEATH(
      {
        Channel<int> channel(1);
        EXPECT_TRUE(channel.try_send(1));
        call_from_another_thread(
            [&]() -> Task<void> { static_cast<void>(co_await channel.send(2)); },
            [&] { static_cast<void>(channel.try_receive()); }, [&] { return channel.size() == 1; });
      },
      "and nothing changed");
}

}  // namespace
}  // namespace sluice::runtime_test
