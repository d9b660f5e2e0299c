#include <sluice/detail/frame_pool.hpp>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>

#include "support.hpp"

namespace sluice::detail {
namespace {

struct Frame {
  void* memory;
  std::size_t bytes;
  unsigned char fill;
};

Frame make(FramePool& pool, std::size_t bytes, unsigned char fill) {
  void* memory = pool.allocate(bytes);
  std::memset(memory, fill, bytes);
  return {memory, bytes, fill};
}
bool is_intact(const Frame& frame) {
  const auto* bytes = static_cast<const unsigned char*>(frame.memory);
  for (std::size_t index = 0; index < frame.bytes; ++index) {
    if (bytes[index] != frame.fill) {
      return false;
    }
  }
  return true;
}

TEST(FramePool, FramesOfAllSizesAreAlignedAndDoNotOverlap) {
  FramePool pool;
  std::mt19937 random(11);
  std::vector<Frame> frames;
  for (int step = 0; step < 20'000; ++step) {
    if (frames.size() < 20 || (frames.size() < 1000 && random() % 2 == 0)) {
      const std::size_t bytes = 1 + random() % (random() % 8 == 0 ? 5000 : 400);
      frames.push_back(make(pool, bytes, static_cast<unsigned char>(random())));
      const auto address = reinterpret_cast<std::uintptr_t>(frames.back().memory);
      ASSERT_EQ(address % alignof(std::max_align_t), 0U);
    } else {
      std::swap(frames[random() % frames.size()], frames.back());
      ASSERT_TRUE(is_intact(frames.back()));
      pool.release(frames.back().memory, frames.back().bytes);
      frames.pop_back();
    }
    ASSERT_EQ(pool.alive(), static_cast<std::int64_t>(frames.size()));
  }
  for (const Frame& frame : frames) {
    EXPECT_TRUE(is_intact(frame));
    pool.release(frame.memory, frame.bytes);
  }
  EXPECT_EQ(pool.alive(), 0);
}

TEST(FramePool, SizesAtTheEdgesOfAClassFit) {
  for (const std::size_t edge : {64U, 128U, 1984U, 2048U, 2112U, 4096U}) {
    for (const std::size_t bytes : {edge - 1, edge, edge + 1}) {
      FramePool pool;
      // The second takes the place of the first, with as many bytes as its class has.
      const Frame first = make(pool, bytes, 1);
      pool.release(first.memory, bytes);
      const Frame second = make(pool, bytes, 2);
      EXPECT_TRUE(is_intact(second));
      pool.release(second.memory, bytes);
      EXPECT_EQ(pool.alive(), 0);
    }
  }
}

TEST(FramePool, ThousandsReleasedAtOnceAreTakenBack) {
  FramePool pool;
  std::vector<Frame> frames;
  for (int round = 0; round < 3; ++round) {
    for (int count = 0; count < 5000; ++count) {
      frames.push_back(make(pool, 200, 7));
    }
    for (const Frame& frame : frames) {
      pool.release(frame.memory, frame.bytes);
    }
    frames.clear();
  }
  EXPECT_EQ(pool.alive(), 0);
}

TEST(FramePool, AFrameMayEndOnAnotherThreadThanItBeganOn) {
  FramePool& here = FramePool::of_this_thread();
  const auto before = here.alive();
  std::vector<Frame> frames;
  for (int count = 0; count < 500; ++count) {
    frames.push_back(make(here, 300, 3));
  }
  std::int64_t there = 0;
  std::thread([&] {
    for (const Frame& frame : frames) {
      FramePool::of_this_thread().release(frame.memory, frame.bytes);
    }
    there = FramePool::of_this_thread().alive();
  }).join();
  EXPECT_EQ(there, -500);
  EXPECT_EQ(here.alive() - before, 500);
}

TEST(FramePool, CountsTheFramesOfTasks) {
  runtime_test::Loop loop;
  FramePool& pool = FramePool::of_this_thread();
  const auto before = pool.alive();
  const auto child = []() -> Task<int> {
    co_await yield();
    co_return 1;
  };
  loop.run([&]() -> Task<void> {
    EXPECT_EQ(pool.alive(), before + 1);
    auto task = child();
    EXPECT_EQ(pool.alive(), before + 2);
    EXPECT_EQ(co_await std::move(task), 1);
    co_await yield();
    EXPECT_EQ(loop.executor().metrics().frames_alive.value(), pool.alive());
  }());
  EXPECT_EQ(pool.alive(), before);
}

}  // namespace
}  // namespace sluice::detail
