#include <sluice/shard.hpp>

#include <pthread.h>
#include <sched.h>

#include <latch>
#include <thread>
#include <utility>

namespace sluice {
namespace {

class PostedWork final : public Message {
 public:
  PostedWork(Shard& shard, std::move_only_function<void(Shard&)> work) noexcept
      : shard_(shard), work_(std::move(work)) {}
  void run() noexcept override {
    const std::unique_ptr<PostedWork> self(this);
    work_(shard_);
  }

 private:
  Shard& shard_;
  std::move_only_function<void(Shard&)> work_;
};

// The CPU for a shard: the n-th of those this process may use, beginning again when they run out.
void pin_to_cpu(unsigned index) noexcept {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    return;
  }
  auto skip = index % static_cast<unsigned>(CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && skip-- == 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ::pthread_setaffinity_np(::pthread_self(), sizeof(one), &one);
      return;
    }
  }
}

}  // namespace

struct ShardSet::Thread {
  unsigned index = 0;
  std::optional<Shard> shard;  // set by the thread before it reports that it is up
  std::optional<SetupError> error;
  std::atomic<bool> running{false};
  std::latch up{1};
  std::latch work_done{1};  // after stop(): its tasks have ended; it goes on answering the others
  bool released = false;
  std::thread thread;
};

std::expected<std::unique_ptr<ShardSet>, SetupError> ShardSet::start(const ShardOptions& options) {
  std::unique_ptr<ShardSet> set(new ShardSet());
  for (unsigned index = 0; index < options.count; ++index) {
    auto thread = std::make_unique<Thread>();
    thread->index = index;
    Thread& self = *thread;
    set->threads_.push_back(std::move(thread));
    self.thread = std::thread([&set = *set, &self, &options] { set.run_shard(self, options); });
    self.up.wait();
    if (self.error) {
      SetupError error = *self.error;
      self.thread.join();
      set->threads_.pop_back();
      return std::unexpected(std::move(error));
    }
  }
  return set;
}

void ShardSet::run_shard(Thread& thread, const ShardOptions& options) {
  const std::string name = options.thread_name.substr(0, 12) + "-" + std::to_string(thread.index);
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
  if (options.pin_to_cpus) {
    pin_to_cpu(thread.index);
  }
  // The thread that uses a ring makes it: the kernel holds it to that (IORING_SETUP_SINGLE_ISSUER).
  auto ring = KernelRing::create(options.ring);
  if (!ring) {
    thread.error = std::move(ring.error());
    thread.up.count_down();
    return;
  }
  Reactor reactor(std::move(*ring), options.reactor);
  Executor executor(reactor, options.executor);
  if (const auto enabled = executor.enable_messages(); !enabled) {
    thread.error = SetupError{enabled.error().value(),
                              "no descriptor for waking a shard: " + enabled.error().message()};
    thread.up.count_down();
    return;
  }
  executor.hold();
  thread.shard.emplace(thread.index, reactor, executor);
  thread.running = true;
  thread.up.count_down();  // `options` is gone after this
  executor.run();
  thread.running = false;
  // The others may still ask it things, and must not wait for answers that never come.
  executor.hold();
  thread.work_done.count_down();
  executor.run();
}

ShardSet::~ShardSet() {
  stop(true);
  join();
}

unsigned ShardSet::size() const noexcept { return static_cast<unsigned>(threads_.size()); }
const Shard& ShardSet::shard(unsigned index) const noexcept { return *threads_[index]->shard; }
Executor& ShardSet::executor_of(unsigned index) const noexcept {
  return threads_[index]->shard->executor();
}
Shard& ShardSet::shard_of(unsigned index) const noexcept { return *threads_[index]->shard; }

void ShardSet::post(unsigned index, std::move_only_function<void(Shard&)> work) {
  // The message deletes itself when it has run.
  auto message = std::make_unique<PostedWork>(shard_of(index), std::move(work));
  executor_of(index).post(*message.release());
}

void ShardSet::stop(bool cancel_tasks) {
  if (joined_) {
    return;
  }
  for (const auto& thread : threads_) {
    post(thread->index, [released = &thread->released, cancel_tasks](Shard& shard) {
      if (cancel_tasks) {
        shard.executor().stop();
      }
      if (!*released) {
        *released = true;
        shard.executor().release();
      }
    });
  }
}

void ShardSet::join() {
  if (std::exchange(joined_, true)) {
    return;
  }
  for (const auto& thread : threads_) {
    thread->work_done.wait();
  }
  for (const auto& thread : threads_) {
    post(thread->index, [](Shard& shard) { shard.executor().release(); });
  }
  for (const auto& thread : threads_) {
    thread->thread.join();
  }
}

unsigned ShardSet::running() const noexcept {
  unsigned count = 0;
  for (const auto& thread : threads_) {
    count += thread->running ? 1U : 0U;
  }
  return count;
}

}  // namespace sluice
