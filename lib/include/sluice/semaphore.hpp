#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include <sluice/detail/waiter.hpp>

namespace sluice {

class Semaphore;

/// Some of a Semaphore's units; gives them back when it goes. Movable; the semaphore must outlive
/// it.
class [[nodiscard]] SemaphorePermit {
 public:
  SemaphorePermit(SemaphorePermit&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)),
        units_(std::exchange(other.units_, 0)) {}
  SemaphorePermit& operator=(SemaphorePermit&& other) noexcept {
    if (this != &other) {
      release();
      semaphore_ = std::exchange(other.semaphore_, nullptr);
      units_ = std::exchange(other.units_, 0);
    }
    return *this;
  }
  ~SemaphorePermit() { release(); }

  /// Gives the units back early. Does nothing the second time.
  void release() noexcept;
  /// How many units it holds.
  [[nodiscard]] std::size_t units() const noexcept { return units_; }

 private:
  friend class Semaphore;
  SemaphorePermit(Semaphore& semaphore, std::size_t units) noexcept
      : semaphore_(&semaphore), units_(units) {}
  Semaphore* semaphore_;
  std::size_t units_;
};

/// A limit on how much of something the coroutines of a shard use at once: requests upstream, bytes
/// in memory, files open.
///
///     auto permit = co_await semaphore.acquire(bytes);
///     if (!permit) { co_return std::unexpected(permit.error()); }
///
/// Fair: who has waited longest goes first, and one that needs many units is not passed by those
/// behind it that need few. The number of units is fixed: they go out and come back as permits.
/// Belongs to one shard; see Event.
class Semaphore {
 public:
  /// `units` can be held at the same time.
  explicit Semaphore(std::size_t units) noexcept : total_(units), available_(units) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  /// No permit may be out, and nobody waiting.
  ~Semaphore() {
    detail::invariant(available_ == total_ && waiters_.empty(),
                      "a Semaphore outlives its permits and those who wait for one");
  }

  class AcquireAwaiter;
  /// A permit for `units`, once there are that many; ECANCELED when the caller's scope is cancelled
  /// first, or was already; EINVAL when it asks for more than there ever are.
  [[nodiscard]] AcquireAwaiter acquire(std::size_t units = 1) noexcept;
  /// A permit if there are units enough and nobody waits for some; never waits.
  [[nodiscard]] std::optional<SemaphorePermit> try_acquire(std::size_t units = 1) noexcept {
    return take(units) ? std::optional(SemaphorePermit(*this, units)) : std::nullopt;
  }
  /// How many units nobody holds.
  [[nodiscard]] std::size_t available() const noexcept { return available_; }
  /// How many there are in all.
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

 private:
  friend class SemaphorePermit;
  [[nodiscard]] bool take(std::size_t units) noexcept {
    if (!waiters_.empty() || units > available_) {
      return false;
    }
    available_ -= units;
    return true;
  }
  void give_back(std::size_t units) noexcept {
    waiters_.expect_own_thread();
    available_ += units;
    grant_waiting();
  }
  void grant_waiting() noexcept;

  std::size_t total_;
  std::size_t available_;
  detail::WaiterList<AcquireAwaiter> waiters_;
};

/// What Semaphore::acquire() returns.
class [[nodiscard]] Semaphore::AcquireAwaiter final : public detail::Waiter {
 public:
  AcquireAwaiter(Semaphore& semaphore, std::size_t units) noexcept
      : semaphore_(semaphore), units_(units) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] AcquireAwaiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return units_ > semaphore_.total_; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (!begin(handle.promise()) || semaphore_.take(units_)) {
      return false;
    }
    semaphore_.waiters_.push_back(*this);
    return true;
  }
  Result<SemaphorePermit> await_resume() const noexcept {
    if (was_cancelled()) {
      return failure(std::errc::operation_canceled);
    }
    if (units_ > semaphore_.total_) {
      return failure(std::errc::invalid_argument);
    }
    return SemaphorePermit(semaphore_, units_);
  }

 private:
  friend class Semaphore;
  // It may have been the one that needed many and held up the others.
  void on_left() noexcept override { semaphore_.grant_waiting(); }

  Semaphore& semaphore_;
  std::size_t units_;
};

inline Semaphore::AcquireAwaiter Semaphore::acquire(std::size_t units) noexcept {
  return {*this, units};
}

inline void Semaphore::grant_waiting() noexcept {
  for (auto* next = waiters_.front(); next != nullptr && next->units_ <= available_;
       next = waiters_.front()) {
    available_ -= next->units_;
    waiters_.grant_front();
  }
}

inline void SemaphorePermit::release() noexcept {
  if (Semaphore* semaphore = std::exchange(semaphore_, nullptr); semaphore != nullptr) {
    semaphore->give_back(std::exchange(units_, 0));
  }
}

}  // namespace sluice
