#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <sluice/clock.hpp>
#include <sluice/detail/api.hpp>

namespace sluice::detail {

/// A timer as the heap sees it: a deadline, what to do then, and its place in the heap.
class SLUICE_API TimerNode {
 public:
  TimerNode() noexcept = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

  [[nodiscard]] bool is_armed() const noexcept { return place_ != kNowhere; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

 protected:
  ~TimerNode() = default;
  /// Called by the shard's loop once the deadline has passed; the timer is no longer armed then.
  virtual void on_expired() noexcept = 0;

 private:
  friend class TimerHeap;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
  TimePoint deadline_{};
  std::size_t place_ = kNowhere;
};

/// A binary heap of timers that others own: the earliest deadline on top, removal from the middle
/// in O(log n). The vector keeps its capacity, so the steady state does not allocate.
class SLUICE_API TimerHeap {
 public:
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  /// kNever when no timer is armed.
  [[nodiscard]] TimePoint next_deadline() const noexcept {
    return heap_.empty() ? kNever : heap_.front().deadline;
  }

  /// Arms a timer, or moves one that is armed.
  void arm(TimerNode& timer, TimePoint deadline);
  void disarm(TimerNode& timer) noexcept;
  /// Calls on_expired() of every timer whose deadline is at or before `now`. Returns how many.
  std::size_t expire(TimePoint now) noexcept;

 private:
  // The deadline is kept beside the pointer so that sifting does not touch the timers themselves.
  struct Entry {
    TimePoint deadline;
    TimerNode* timer;
  };
  void place(std::size_t index, Entry entry) noexcept {
    heap_[index] = entry;
    entry.timer->place_ = index;
  }
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;

  std::vector<Entry> heap_;
};

}  // namespace sluice::detail
