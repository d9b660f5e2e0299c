#include <sluice/blocking_pool.hpp>

#include <pthread.h>

namespace sluice {

BlockingPool::BlockingPool(const BlockingPoolOptions& options) : queue_limit_(options.queue_limit) {
  for (unsigned index = 0; index < options.threads; ++index) {
    threads_.emplace_back([this] { work(); });
  }
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_there_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

std::size_t BlockingPool::pending() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() + running_;
}

bool BlockingPool::enqueue(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_limit_) {
      return false;
    }
    queue_.push_back(&job);
  }
  work_there_.notify_one();
  return true;
}

void BlockingPool::work() {
  ::pthread_setname_np(::pthread_self(), "blocking");
  std::unique_lock lock(mutex_);
  while (true) {
    work_there_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) {
      return;
    }
    Job& job = *queue_.front();
    queue_.pop_front();
    ++running_;
    lock.unlock();
    job.execute();
    lock.lock();
    --running_;  // before the caller can know
    lock.unlock();
    job.deliver();
    lock.lock();
  }
}

}  // namespace sluice
