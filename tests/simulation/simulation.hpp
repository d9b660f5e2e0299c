#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <sluice/executor.hpp>
#include <sluice/reactor.hpp>

#include "simulated_ring.hpp"

namespace sluice::testing {

/// A reactor over a simulated ring.
class SimulatedReactor {
 public:
  explicit SimulatedReactor(const SimulatedRingOptions& options = {},
                            const ReactorOptions& reactor_options = {})
      : SimulatedReactor(std::make_unique<SimulatedRing>(options), reactor_options) {}

  [[nodiscard]] SimulatedRing& ring() noexcept { return ring_; }
  [[nodiscard]] SimulatedStore& store() noexcept { return ring_.store(); }
  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }
  [[nodiscard]] const ReactorMetrics& metrics() const noexcept { return reactor_.metrics(); }

  /// One turn that does not wait.
  std::size_t turn() { return reactor_.wait(Duration::zero()); }

 private:
  SimulatedReactor(std::unique_ptr<SimulatedRing> ring, const ReactorOptions& options)
      : ring_(*ring), reactor_(std::move(ring), options) {}

  SimulatedRing& ring_;
  Reactor reactor_;
};

/// The same with an executor: a whole shard, without its thread.
class Simulation : public SimulatedReactor {
 public:
  explicit Simulation(const SimulatedRingOptions& options = {},
                      const ReactorOptions& reactor_options = {},
                      const ExecutorOptions& executor_options = {})
      : SimulatedReactor(options, reactor_options), executor_(reactor(), executor_options) {}

  [[nodiscard]] Executor& executor() noexcept { return executor_; }
  [[nodiscard]] TimePoint now() noexcept { return ring().now(); }

  void spawn(Task<void> task) { executor_.spawn(std::move(task)); }
  void run() { executor_.run(); }
  /// Runs one task, and everything it starts, to the end.
  void run(Task<void> task) {
    spawn(std::move(task));
    run();
  }

 private:
  Executor executor_;
};

/// Keeps what it is told, and in `order`, if there is one, who was told when.
class RecordingWaker final : public Waker {
 public:
  using Order = std::vector<const RecordingWaker*>;

  explicit RecordingWaker(Order* order = nullptr) noexcept : order_(order) {}
  void wake(Completion completion) noexcept override {
    completions.push_back(completion);
    if (order_ != nullptr) {
      order_->push_back(this);
    }
  }
  /// Whether exactly one completion came, with this result.
  [[nodiscard]] bool got(std::int32_t result) const noexcept {
    return completions.size() == 1 && completions[0].is_final() && completions[0].result == result;
  }

  std::vector<Completion> completions;

 private:
  Order* order_;
};

[[nodiscard]] inline Submission nop() noexcept { return {}; }
[[nodiscard]] Submission receive_into(int fd, std::span<std::byte> buffer) noexcept;
[[nodiscard]] Submission multishot_accept(int fd) noexcept;

/// Gives up the thread once: the coroutine is ready again at once, behind all who are ready now.
class [[nodiscard]] YieldAwaiter {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    handle.promise().executor().make_ready(handle.promise());
  }
  void await_resume() const noexcept {}
};
[[nodiscard]] inline YieldAwaiter yield() noexcept { return {}; }

/// Stops the executor after some virtual time.
[[nodiscard]] Task<void> stop_after(Simulation& simulation, Duration delay);

/// How many descriptors this process has open.
[[nodiscard]] std::size_t open_descriptors();

}  // namespace sluice::testing
