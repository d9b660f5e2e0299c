#pragma once

#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace sluice::detail {

/// A queue with two ends in one block of memory, which doubles when it is full and is kept: unlike
/// std::deque it allocates nothing in the steady state.
template <class T>
class RingQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const T& front() const noexcept { return items_[first_]; }

  void push_back(T item) {
    make_room();
    items_[place(size_)] = std::move(item);
    ++size_;
  }
  void push_front(T item) {
    make_room();
    first_ = place(items_.size() - 1);
    items_[first_] = std::move(item);
    ++size_;
  }
  void pop_front() noexcept {
    first_ = place(1);
    --size_;
  }
  /// Takes out what `is_unwanted` says; the rest keeps its order.
  template <class Predicate>
  void remove_if(Predicate is_unwanted) {
    std::size_t kept = 0;
    for (std::size_t index = 0; index < size_; ++index) {
      T& item = items_[place(index)];
      if (!is_unwanted(std::as_const(item))) {
        if (kept != index) {
          items_[place(kept)] = std::move(item);
        }
        ++kept;
      }
    }
    size_ = kept;
  }

 private:
  // The place of the item that is so far behind the first; the capacity is a power of two.
  [[nodiscard]] std::size_t place(std::size_t distance) const noexcept {
    return (first_ + distance) & (items_.size() - 1);
  }
  void make_room() {
    if (size_ < items_.size()) {
      return;
    }
    std::vector<T> larger(std::bit_ceil(size_ + 16));
    for (std::size_t index = 0; index < size_; ++index) {
      larger[index] = std::move(items_[place(index)]);
    }
    items_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> items_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::detail
