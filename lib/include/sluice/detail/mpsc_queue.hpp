#pragma once

#include <atomic>

namespace sluice::detail {

/// A place in an MpscQueue. Whoever pushes it must not touch it until the consumer has handed it
/// back.
struct MpscNode {
  MpscNode* next = nullptr;
};

/// Many threads push, one thread takes everything at once, in the order of pushing. Lock-free and
/// unbounded: what bounds it is the number of nodes that exist.
///
/// Producers stack their nodes by compare-and-swap; the consumer exchanges the stack for an empty
/// one and reverses it. Nothing is ever popped singly, so there is no ABA problem.
class MpscQueue {
 public:
  /// Any thread. True when the queue was empty before.
  bool push(MpscNode& node) noexcept {
    MpscNode* head = head_.load(std::memory_order_relaxed);
    do {
      node.next = head;
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return head == nullptr;
  }

  /// The consumer's thread. All nodes pushed so far, oldest first, linked by `next`.
  [[nodiscard]] MpscNode* take_all() noexcept {
    MpscNode* stack = head_.exchange(nullptr, std::memory_order_acquire);
    MpscNode* in_order = nullptr;
    while (stack != nullptr) {
      MpscNode* next = stack->next;
      stack->next = in_order;
      in_order = stack;
      stack = next;
    }
    return in_order;
  }

  /// Any thread. Sequentially consistent, because the sleeping protocol of the Executor rests on
  /// it.
  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_seq_cst) == nullptr;
  }

 private:
  std::atomic<MpscNode*> head_{nullptr};
};

}  // namespace sluice::detail
