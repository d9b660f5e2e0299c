// What the tests of the runtime share: a loop on the real kernel, and things to do I/O on.
#pragma once

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/socket.hpp>
#include <sluice/task.hpp>

namespace sluice::runtime_test {

/// ASSERT_TRUE for a coroutine: a failed condition ends it. The condition is a declaration because
/// g++ 12 makes a coroutine without any variable, and with a co_await in a condition, into one that
/// never runs.
#define CO_ASSERT_TRUE(condition)                                \
  if (const bool holds = static_cast<bool>(condition); !holds) { \
    ADD_FAILURE() << "not true: " << #condition;                 \
    co_return;                                                   \
  }                                                              \
  static_assert(true)

/// EXPECT_TRUE for a child process made by EXPECT_EXIT: a failed condition ends it with status 1.
#define CHILD_CHECK(condition)                                                     \
  if (const bool holds = static_cast<bool>(condition); !holds) {                   \
    std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
    ::_exit(1);                                                                    \
  }                                                                                \
  static_assert(true)

/// The smallest queues there are, so that tests reach their ends.
inline constexpr RingOptions kSmallRing{.submission_entries = 64, .completion_entries = 128};

[[nodiscard]] inline std::unique_ptr<KernelRing> make_ring(
    const RingOptions& options = kSmallRing) {
  auto ring = KernelRing::create(options);
  if (!ring) {
    std::fprintf(stderr, "%s\n", ring.error().explanation.c_str());
    std::abort();
  }
  return std::move(*ring);
}

/// Keeps a coroutine lambda, and with it what it captures, for as long as its coroutine runs.
template <class Lambda>
Task<void> calling(Lambda lambda) {
  co_await lambda();
}

/// A ring, a reactor and an executor on the calling thread.
class Loop {
 public:
  explicit Loop(const RingOptions& ring = kSmallRing, ReactorOptions reactor_options = {},
                ExecutorOptions executor_options = {})
      : reactor_(make_ring(ring), reactor_options), executor_(reactor_, executor_options) {}

  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }
  [[nodiscard]] Executor& executor() noexcept { return executor_; }
  [[nodiscard]] TaskContext context() noexcept { return {&executor_, &executor_.cancel_scope()}; }
  void spawn(Task<void> task) { executor_.spawn(std::move(task)); }
  void run() { executor_.run(); }

  /// Runs the loop until it has no work, with this task as the first.
  void run(Task<void> task) {
    spawn(std::move(task));
    run();
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    run(keep(std::move(task), value));
    return std::move(*value);
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }

  Reactor reactor_;
  Executor executor_;
};

/// Notes what it is told.
class RecordingWaker final : public Waker {
 public:
  RecordingWaker() = default;
  explicit RecordingWaker(std::function<void(Completion)> then) : then_(std::move(then)) {}
  void wake(Completion completion) noexcept override {
    completions.push_back(completion);
    if (then_) {
      then_(completion);
    }
  }
  [[nodiscard]] bool is_done() const {
    return !completions.empty() && completions.back().is_final();
  }
  [[nodiscard]] int result() const { return completions.back().result; }
  std::vector<Completion> completions;

 private:
  std::function<void(Completion)> then_;
};

struct Pair {
  Socket near;
  Socket far;
};

[[nodiscard]] inline Pair socket_pair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  return {Socket(UniqueFd(fds[0])), Socket(UniqueFd(fds[1]))};
}

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// Writes to a descriptor at once, without the ring.
inline void put(int fd, std::string_view text) {
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

/// Bytes that tell their place, with a period that is no power of two.
[[nodiscard]] inline std::vector<std::byte> pattern(std::size_t length, std::size_t first = 0) {
  std::vector<std::byte> bytes(length);
  for (std::size_t index = 0; index < length; ++index) {
    bytes[index] = static_cast<std::byte>((first + index) % 251);
  }
  return bytes;
}

/// What goes through a stream of bytes: each is received once, and in the order of pattern().
class PatternedStream {
 public:
  /// The next bytes to send.
  [[nodiscard]] std::vector<std::byte> next(std::size_t length) {
    auto bytes = pattern(length, sent_ % 251);
    sent_ += length;
    return bytes;
  }
  void take(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      EXPECT_EQ(byte, static_cast<std::byte>(received_ % 251));
      ++received_;
    }
  }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

 private:
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

/// A folder of its own, gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "/sluice.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(std::string_view name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  /// Makes a file and returns its path.
  [[nodiscard]] std::string file(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// How many descriptors this process has open (and one for counting them).
[[nodiscard]] inline std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

/// Runs `body` on a thread with a stack so small that one that grows is caught at once.
inline void run_on_small_stack(std::size_t stack_bytes, std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, start, &body), 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace sluice::runtime_test
