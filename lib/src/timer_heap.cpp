#include <sluice/detail/timer_heap.hpp>

namespace sluice::detail {

void TimerHeap::arm(TimerNode& timer, TimePoint deadline) {
  timer.deadline_ = deadline;
  if (!timer.is_armed()) {
    heap_.push_back({deadline, &timer});
    timer.place_ = heap_.size() - 1;
    sift_up(timer.place_);
    return;
  }
  const std::size_t index = timer.place_;
  heap_[index].deadline = deadline;
  sift_up(index);
  sift_down(timer.place_);
}

void TimerHeap::disarm(TimerNode& timer) noexcept {
  if (!timer.is_armed()) {
    return;
  }
  const std::size_t hole = timer.place_;
  timer.place_ = TimerNode::kNowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (hole == heap_.size()) {
    return;
  }
  place(hole, last);
  sift_up(hole);
  sift_down(last.timer->place_);
}

std::size_t TimerHeap::expire(TimePoint now) noexcept {
  std::size_t expired = 0;
  while (!heap_.empty() && heap_.front().deadline <= now) {
    TimerNode& timer = *heap_.front().timer;
    disarm(timer);
    timer.on_expired();
    ++expired;
  }
  return expired;
}

void TimerHeap::sift_up(std::size_t index) noexcept {
  const Entry moving = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent].deadline <= moving.deadline) {
      break;
    }
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, moving);
}

void TimerHeap::sift_down(std::size_t index) noexcept {
  const Entry moving = heap_[index];
  while (true) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && heap_[child + 1].deadline < heap_[child].deadline) {
      ++child;
    }
    if (moving.deadline <= heap_[child].deadline) {
      break;
    }
    place(index, heap_[child]);
    index = child;
  }
  place(index, moving);
}

}  // namespace sluice::detail
