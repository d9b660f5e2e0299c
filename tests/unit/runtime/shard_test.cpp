#include <sluice/shard.hpp>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <numeric>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "shards.hpp"
#include "support.hpp"

namespace sluice::runtime_test {
namespace {

TEST(ShardSet, StartsAThreadForEachShard) {
  const auto set = start(3);
  EXPECT_EQ(set->size(), 3U);
  EXPECT_EQ(set->running(), 3U);
  std::array<std::thread::id, 3> ids;
  std::array<std::array<char, 16>, 3> names{};
  std::latch done(3);
  for (unsigned index = 0; index < 3; ++index) {
    EXPECT_EQ(set->shard(index).index(), index);
    set->post(index, [&, index](Shard& shard) {
      EXPECT_EQ(shard.index(), index);
      ids[index] = std::this_thread::get_id();
      ::pthread_getname_np(::pthread_self(), names[index].data(), names[index].size());
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 3U);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).count(std::this_thread::get_id()), 0U);
  EXPECT_STREQ(names[2].data(), "shard-2");
}

TEST(ShardSet, OfNoShardsIsEmpty) {
  const auto set = start(0);
  EXPECT_EQ(set->size(), 0U);
  set->stop(true);
  set->join();
  EXPECT_EQ(set->running(), 0U);
}

TEST(ShardSet, CutsALongThreadNameAndKeepsItsNumber) {
  ShardOptions options = shard_options(1);
  options.thread_name = "a-name-that-is-far-too-long";
  const auto set = start(options);
  std::array<char, 16> name{};
  std::latch done(1);
  set->post(0, [&](Shard&) {
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    done.count_down();
  });
  done.wait();
  EXPECT_TRUE(std::string(name.data()).ends_with("-0")) << name.data();
}

TEST(ShardSet, PinsToTheCpusOfTheProcess) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  ShardOptions options = shard_options(3);
  options.pin_to_cpus = true;
  const auto set = start(options);
  std::array<int, 3> counts{};
  std::array<bool, 3> within{};
  std::latch done(3);
  for (unsigned index = 0; index < 3; ++index) {
    set->post(index, [&, index](Shard&) {
      cpu_set_t mine;
      ::sched_getaffinity(0, sizeof(mine), &mine);
      counts[index] = CPU_COUNT(&mine);
      cpu_set_t both;
      CPU_AND(&both, &mine, &allowed);
      within[index] = CPU_EQUAL(&both, &mine) != 0;
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(counts, (std::array{1, 1, 1}));
  EXPECT_EQ(within, (std::array{true, true, true}));
  cpu_set_t after;
  ::sched_getaffinity(0, sizeof(after), &after);
  EXPECT_TRUE(CPU_EQUAL(&after, &allowed)) << "the caller's own mask stays";
}

TEST(ShardSet, RunsWhatOneThreadPostsInItsOrder) {
  const auto set = start(1);
  std::vector<int> order;
  std::latch done(1);
  for (int number = 0; number < 1000; ++number) {
    set->post(0, [&order, number](Shard&) { order.push_back(number); });
  }
  set->post(0, [&done](Shard&) { done.count_down(); });
  done.wait();
  ASSERT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ShardSet, RunsWhatManyThreadsPostToEach) {
  const auto set = start(2);
  std::array<int, 2> counts{};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int number = 0; number < 3000; ++number) {
        const auto index = static_cast<unsigned>(number % 2);
        set->post(index, [&counts](Shard& shard) { ++counts[shard.index()]; });
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  set->stop(false);
  set->join();
  EXPECT_EQ(counts, (std::array{4500, 4500}));
}

TEST(ShardSet, PostsWorkThatCanOnlyBeMoved) {
  const auto set = start(1);
  auto value = std::make_unique<int>(7);
  std::binary_semaphore done{0};
  int seen = 0;
  set->post(0, [&, moved = std::move(value)](Shard&) {
    seen = *moved;
    done.release();
  });
  done.acquire();
  EXPECT_EQ(seen, 7);
}

// Each shard asks the next in turn, from many coroutines at once.
TEST(ShardSet, SubmitsBetweenShardsFromManyCoroutines) {
  constexpr unsigned kShards = 3;
  constexpr int kTasks = 50;
  constexpr int kRounds = 100;
  const auto set = start(kShards);
  std::array<std::uint64_t, kShards> asked{};
  std::atomic<int> right{0};
  std::latch done(kShards * kTasks);
  const auto ask = [&](unsigned home, int first) -> Task<void> {
    const auto home_thread = std::this_thread::get_id();
    for (int round = 0; round < kRounds; ++round) {
      const int number = first + round;
      const unsigned there = (home + static_cast<unsigned>(round)) % kShards;
      const auto answer = co_await set->submit_to(there, [&asked, number](Shard& shard) {
        ++asked[shard.index()];
        return std::make_unique<int>(2 * number);
      });
      right += *answer == 2 * number && std::this_thread::get_id() == home_thread ? 1 : 0;
    }
    done.count_down();
  };
  for (unsigned home = 0; home < kShards; ++home) {
    set->post(home, [&, home](Shard& shard) {
      for (int task = 0; task < kTasks; ++task) {
        shard.executor().spawn(ask(home, 1000 * task));
      }
    });
  }
  done.wait();
  EXPECT_EQ(right, static_cast<int>(kShards) * kTasks * kRounds);
  set->stop(false);
  set->join();
  EXPECT_EQ(std::accumulate(asked.begin(), asked.end(), std::uint64_t{0}),
            std::uint64_t{kShards} * kTasks * kRounds);
}

TEST(ShardSet, SubmitsWorkWithoutAValueAndToItself) {
  const auto set = start(1);
  std::latch done(1);
  int ran = 0;
  const auto ask = [&]() -> Task<void> {
    co_await set->submit_to(0, [&ran](Shard&) { ++ran; });
    co_await set->submit_to(0, [&ran](Shard&) { ++ran; });
    done.count_down();
  };
  set->post(0, [&](Shard& shard) { shard.executor().spawn(ask()); });
  done.wait();
  EXPECT_EQ(ran, 2);
}

TEST(ShardSet, AnswersAnExecutorThatIsNoShard) {
  const auto set = start(2);
  Loop loop;
  ASSERT_TRUE(loop.executor().enable_messages());
  loop.run([&]() -> Task<void> {
    for (unsigned round = 0; round < 1000; ++round) {
      const unsigned index =
          co_await set->submit_to(round % 2, [](Shard& shard) { return shard.index(); });
      EXPECT_EQ(index, round % 2);
    }
  }());
}

// An executor may end as soon as run() has returned: the thread that sent the last answer must be
// done with it by then.
TEST(ShardSet, AnExecutorMayEndRightAfterItsLastAnswer) {
  const auto set = start(2);
  for (int round = 0; round < 1000; ++round) {
    Loop loop;
    ASSERT_TRUE(loop.executor().enable_messages());
    loop.run([](ShardSet& shards) -> Task<void> {
      EXPECT_EQ(co_await shards.submit_to(0, [](Shard&) { return 1; }), 1);
    }(*set));
  }
}

TEST(ShardSet, ItsNumbersCanBeReadFromOutside) {
  const auto set = start(1);
  std::latch done(1);
  set->post(0, [&done](Shard&) { done.count_down(); });
  done.wait();
  EXPECT_GE(set->shard(0).executor().metrics().messages_received.value(), 1U);
  EXPECT_GE(set->shard(0).reactor().metrics().enters.value(), 0U);
}

// Only the second shard's ring finds no descriptor left.
[[noreturn]] void start_with_too_few_descriptors(unsigned shards) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  std::thread([] {}).join();  // a sanitizer starts a thread of its own along with the first one
  const auto threads_before = threads();
  const auto descriptors_before = open_descriptors();
  const auto next = static_cast<rlim_t>(::dup(STDERR_FILENO));
  ::close(static_cast<int>(next));
  rlimit limit{};
  CHILD_CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  // A ring and an eventfd for the first shard, and a descriptor for reading /proc.
  const rlimit few{next + 3 * (shards - 1), limit.rlim_max};
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto set = ShardSet::start(shard_options(shards));
  CHILD_CHECK(!set);
  CHILD_CHECK(set.error().errno_value == EMFILE);
  std::fprintf(stderr, "%s\n", set.error().explanation.c_str());
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHILD_CHECK(open_descriptors() == descriptors_before);
  CHILD_CHECK(threads() == threads_before);
  CHILD_CHECK(ShardSet::start(shard_options(shards)));
  ::_exit(0);
}

TEST(ShardSetStart, ThatFailsSaysWhyAndLeavesNothing) {
  EXPECT_EXIT(start_with_too_few_descriptors(1), ::testing::ExitedWithCode(0), "descriptor");
}

TEST(ShardSetStart, ThatFailsInTheMiddleEndsTheShardsThatRan) {
  EXPECT_EXIT(start_with_too_few_descriptors(2), ::testing::ExitedWithCode(0), "descriptor");
}

}  // namespace
}  // namespace sluice::runtime_test
