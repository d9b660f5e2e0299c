// Shutdown with I/O in flight: hundreds of receives, reads that go to the disk and accepts are
// cancelled at random moments, many times. Nothing may be left in flight, no descriptor may leak,
// no byte may be lost, and no buffer may change once its operation has ended.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/buffer_pool.hpp>
#include <sluice/file.hpp>
#include <sluice/listener.hpp>
#include <sluice/operations.hpp>
#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

constexpr std::size_t kPairs = 250;  // each end receives: 500 receives
constexpr std::size_t kReads = 8;
constexpr std::size_t kReadBytes = 128 * 1024;
constexpr std::size_t kListeners = 4;

// One direction of a connection: bytes that count up, and how far they have got.
struct Stream {
  int from;
  int to;
  PatternedStream bytes{};
};

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed) {
    for (Pair& pair : pairs_) {
      pair = socket_pair();
      streams_.push_back({pair.near.fd(), pair.far.fd()});
      streams_.push_back({pair.far.fd(), pair.near.fd()});
    }
    const std::string path = folder_.file("file", text_of(pattern(kReads * kReadBytes)));
    cold_ = File(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
    EXPECT_EQ(::fsync(cold_.fd()), 0);
    // Not every file system has O_DIRECT; without it the reads are cold because they are dropped.
    const int direct = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
    direct_ = File(UniqueFd(direct >= 0 ? direct : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  }

  void round() {
    ::posix_fadvise(cold_.fd(), 0, 0, POSIX_FADV_DONTNEED);
    {
      Loop loop({.submission_entries = 64, .completion_entries = 1024}, {},
                {.resumes_per_turn = 1000});
      loop.run(everything(loop));
      EXPECT_EQ(loop.reactor().in_flight(), 0U);
      EXPECT_EQ(loop.reactor().metrics().stale_completions.value(), 0U);
      EXPECT_EQ(loop.reactor().metrics().in_flight.value(), 0);
    }
  }
  void finish() {
    for (Stream& stream : streams_) {
      std::array<std::byte, 256> rest;
      ssize_t count = 0;
      while ((count = ::recv(stream.to, rest.data(), rest.size(), MSG_DONTWAIT)) > 0) {
        stream.bytes.take(std::span(rest).first(static_cast<std::size_t>(count)));
      }
      EXPECT_EQ(stream.bytes.received(), stream.bytes.sent());
    }
    EXPECT_GT(cancelled_, 0U);
    EXPECT_GT(completed_, 0U);
  }

 private:
  Task<void> everything(Loop& loop) {
    TaskScope tasks(co_await current_context());
    std::deque<Listener> listeners;
    for (std::size_t count = 0; count < kListeners; ++count) {
      listeners.emplace_back(loop.executor(),
                             Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
      tasks.spawn(accept(listeners.back()));
    }
    for (std::size_t index = 0; index < kReads; ++index) {
      tasks.spawn(read(index % 2 == 0 ? direct_ : cold_, index * kReadBytes));
    }
    for (Stream& stream : streams_) {
      tasks.spawn(receive(stream));
    }
    for (auto turns = random_() % 6; turns > 0; --turns) {
      disturb(listeners);
      co_await yield();
    }
    tasks.cancel();
    disturb(listeners);
    for (Listener& listener : listeners) {
      co_await listener.close();
      while (const auto socket = co_await listener.accept()) {
      }
    }
    co_await tasks.join();
  }
  void disturb(const std::deque<Listener>& listeners) {
    for (auto count = random_() % 60; count > 0; --count) {
      Stream& stream = streams_[random_() % streams_.size()];
      put(stream.from, text_of(stream.bytes.next(1)));
    }
    const auto address = SocketAddress::local_of(listeners[random_() % kListeners].fd()).value();
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    static_cast<void>(::connect(client.get(), address.data(), address.size()));
  }
  Task<void> receive(Stream& stream) {
    std::array<std::byte, 4> buffer;
    while (true) {
      buffer.fill(kUntouched);
      const auto got = co_await Operation(ReceiveRequest(stream.to, buffer));
      if (!got) {
        EXPECT_TRUE(is_cancelled(got.error()));
        EXPECT_EQ(buffer[0], kUntouched);
        ++cancelled_;
        co_return;
      }
      ++completed_;
      stream.bytes.take(std::span(buffer).first(*got));
    }
  }
  Task<void> read(const File& file, std::size_t offset) {
    const BufferLease lease = *buffers_.take();
    std::ranges::fill(lease.bytes(), kUntouched);
    const auto got = co_await file.read_at(lease.bytes(), offset);
    if (got) {
      EXPECT_EQ(*got, kReadBytes);
      EXPECT_EQ(lease.bytes()[0], static_cast<std::byte>(offset % 251));
      EXPECT_EQ(lease.bytes()[kReadBytes - 1],
                static_cast<std::byte>((offset + kReadBytes - 1) % 251));
    } else {
      EXPECT_TRUE(is_cancelled(got.error()));
    }
    // The disk must not go on writing into the lease, which goes back to the pool now.
    std::ranges::fill(lease.bytes(), kReturned);
    co_await yield();
    EXPECT_TRUE(std::ranges::all_of(lease.bytes(), [](std::byte b) { return b == kReturned; }));
  }
  Task<void> accept(Listener& listener) {
    while (const auto socket = co_await listener.accept()) {
    }
  }

  static constexpr std::byte kUntouched{0xfe};
  static constexpr std::byte kReturned{0xfd};
  std::mt19937 random_;
  TemporaryFolder folder_;
  std::array<Pair, kPairs> pairs_;
  std::deque<Stream> streams_;
  File cold_;
  File direct_;
  BufferPool buffers_{kReadBytes, kReads};
  std::uint64_t cancelled_ = 0;
  std::uint64_t completed_ = 0;
};

TEST(Shutdown, WithHundredsOfOperationsInFlightLeavesNothingBehind) {
  Storm storm(20240229);
  storm.round();
  const auto before = open_descriptors();
  for (int round = 0; round < 300; ++round) {
    storm.round();
    ASSERT_EQ(open_descriptors(), before) << "after round " << round;
  }
  storm.finish();
}

}  // namespace
}  // namespace sluice::runtime_test
