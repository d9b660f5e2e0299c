#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include <sluice/detail/waiter.hpp>

namespace sluice {

class Mutex;

/// Holds a Mutex, and unlocks it when it goes. Movable; the mutex must outlive it.
class [[nodiscard]] MutexGuard {
 public:
  MutexGuard(MutexGuard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  MutexGuard& operator=(MutexGuard&& other) noexcept {
    if (this != &other) {
      unlock();
      mutex_ = std::exchange(other.mutex_, nullptr);
    }
    return *this;
  }
  ~MutexGuard() { unlock(); }

  /// Unlocks early. Does nothing the second time.
  void unlock() noexcept;
  /// Whether it holds the lock.
  [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }

 private:
  friend class Mutex;
  explicit MutexGuard(Mutex& mutex) noexcept : mutex_(&mutex) {}
  Mutex* mutex_;
};

/// Lets one coroutine of a shard at a time through a stretch that awaits something. A stretch that
/// awaits nothing needs none: within a shard nobody else runs meanwhile.
///
///     auto guard = co_await mutex.lock();
///     if (!guard) { co_return std::unexpected(guard.error()); }
///
/// Fair: unlocking hands the mutex to who has waited longest, and nobody can slip in before. Not
/// recursive: a coroutine that locks what it holds waits for ever, or until it is cancelled.
/// Belongs to one shard; see Event.
class Mutex {
 public:
  Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  /// Nobody may hold it or wait for it.
  ~Mutex() {
    detail::invariant(!is_locked_ && waiters_.empty(),
                      "a Mutex outlives those who hold it or wait for it");
  }

  class LockAwaiter;
  /// A guard, once the mutex is the caller's; ECANCELED when the caller's scope is cancelled first,
  /// or was already.
  [[nodiscard]] LockAwaiter lock() noexcept;
  /// A guard if nobody holds the mutex; never waits.
  [[nodiscard]] std::optional<MutexGuard> try_lock() noexcept {
    if (std::exchange(is_locked_, true)) {
      return std::nullopt;
    }
    return MutexGuard(*this);
  }
  /// Whether somebody holds it.
  [[nodiscard]] bool is_locked() const noexcept { return is_locked_; }

 private:
  friend class MutexGuard;
  // The mutex stays locked when it passes to the next in line.
  void unlock() noexcept { is_locked_ = waiters_.grant_front() != nullptr; }

  detail::WaiterList<LockAwaiter> waiters_;
  bool is_locked_ = false;
};

/// What Mutex::lock() returns.
class [[nodiscard]] Mutex::LockAwaiter final : public detail::Waiter {
 public:
  explicit LockAwaiter(Mutex& mutex) noexcept : mutex_(mutex) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] LockAwaiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (!begin(handle.promise()) || !std::exchange(mutex_.is_locked_, true)) {
      return false;
    }
    mutex_.waiters_.push_back(*this);
    return true;
  }
  Result<MutexGuard> await_resume() const noexcept {
    if (was_cancelled()) {
      return failure(std::errc::operation_canceled);
    }
    return MutexGuard(mutex_);
  }

 private:
  Mutex& mutex_;
};

inline Mutex::LockAwaiter Mutex::lock() noexcept { return LockAwaiter(*this); }

inline void MutexGuard::unlock() noexcept {
  if (Mutex* mutex = std::exchange(mutex_, nullptr); mutex != nullptr) {
    mutex->unlock();
  }
}

}  // namespace sluice
