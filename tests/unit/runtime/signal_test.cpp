#include <sluice/signal.hpp>

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

TEST(Signals, OneThatCameBeforeIsThere) {
  Loop loop;
  const SignalSet signals = SignalSet::block({SIGUSR1, SIGUSR2}).value();
  ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
  EXPECT_EQ(loop.run(signals.next()), SIGUSR2);
}

TEST(Signals, OneThatComesLaterWakesTheLoop) {
  Loop loop;
  const SignalSet signals = SignalSet::block({SIGUSR1}).value();
  std::thread sender([] { ::kill(::getpid(), SIGUSR1); });
  EXPECT_EQ(loop.run(signals.next()), SIGUSR1);
  sender.join();
}

TEST(Signals, EachIsDeliveredOnce) {
  Loop loop;
  const SignalSet signals = SignalSet::block({SIGUSR1, SIGUSR2, SIGHUP}).value();
  loop.run([&]() -> Task<void> {
    for (int round = 0; round < 100; ++round) {
      for (const int number : {SIGUSR1, SIGHUP, SIGUSR2}) {
        ::kill(::getpid(), number);
        EXPECT_EQ(co_await signals.next(), number);
      }
    }
    ::kill(::getpid(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    const int first = (co_await signals.next()).value();
    const int second = (co_await signals.next()).value();
    EXPECT_EQ(first + second, SIGUSR1 + SIGUSR2);
  }());
}

TEST(Signals, WaitingIsCancelledAndNoSignalIsLostByIt) {
  Loop loop;
  const SignalSet signals = SignalSet::block({SIGUSR1}).value();
  loop.run([&]() -> Task<void> {
    int got = 0;
    for (int round = 0; round < 300; ++round) {
      TaskScope tasks(co_await current_context());
      const auto wait = [&]() -> Task<void> {
        const auto number = co_await signals.next();
        got += number ? 1 : 0;
        EXPECT_TRUE(number || is_cancelled(number.error()));
      };
      tasks.spawn(wait());
      co_await yield();
      if (round % 3 == 0) {
        ::kill(::getpid(), SIGUSR1);
      }
      for (int turn = 0; turn < round % 2; ++turn) {
        co_await yield();
      }
      tasks.cancel();
      co_await tasks.join();
      if (round % 3 == 0 && got == 0) {
        EXPECT_EQ(co_await signals.next(), SIGUSR1);
        got = 1;
      }
      EXPECT_EQ(got, round % 3 == 0 ? 1 : 0) << round;
      got = 0;
    }
  }());
}

TEST(Signals, AreBlockedForThreadsThatAreMadeLaterToo) {
  const SignalSet signals = SignalSet::block({SIGUSR1}).value();
  bool blocked = false;
  std::thread([&blocked] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = ::sigismember(&mask, SIGUSR1) == 1;
  }).join();
  EXPECT_TRUE(blocked);
}

TEST(Signals, ClosesItsDescriptor) {
  const auto before = open_descriptors();
  for (int round = 0; round < 10; ++round) {
    const SignalSet signals = SignalSet::block({SIGUSR1}).value();
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace sluice::runtime_test
