#pragma once

#include <cstddef>

#include <sluice/detail/api.hpp>

namespace sluice::detail {

/// A place in an IntrusiveList. Derive from it; an object is in at most one list at a time and
/// leaves it by itself when it is destroyed.
class SLUICE_API ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }
  void unlink() noexcept {
    if (next_ != nullptr) {
      next_->previous_ = previous_;
      previous_->next_ = next_;
      next_ = previous_ = nullptr;
    }
  }

 protected:
  ~ListNode() { unlink(); }

 private:
  template <class T>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

/// A doubly linked list of objects that others own: no allocation, removal from the middle in
/// constant time. Not movable: its nodes point at it.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() noexcept { sentinel_.next_ = sentinel_.previous_ = &sentinel_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) {
      static_cast<void>(pop_front());
    }
    sentinel_.next_ = sentinel_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return sentinel_.next_ == &sentinel_; }

  void push_back(T& item) noexcept {
    ListNode& node = item;
    node.previous_ = sentinel_.previous_;
    node.next_ = &sentinel_;
    sentinel_.previous_->next_ = &node;
    sentinel_.previous_ = &node;
  }

  /// The first object, which stays in the list; null when the list is empty.
  [[nodiscard]] T* front() const noexcept {
    return empty() ? nullptr : static_cast<T*>(sentinel_.next_);
  }

  /// The first object, out of the list; null when the list is empty.
  [[nodiscard]] T* pop_front() noexcept {
    if (empty()) {
      return nullptr;
    }
    ListNode* node = sentinel_.next_;
    node->unlink();
    return static_cast<T*>(node);
  }

  /// Calls `visit` with each object in order. It may unlink the one it is given, and no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (ListNode* node = sentinel_.next_; node != &sentinel_;) {
      ListNode* next = node->next_;
      visit(*static_cast<T*>(node));
      node = next;
    }
  }

  /// Moves everything of `other` to the end of this list, in constant time.
  void splice_back(IntrusiveList& other) noexcept {
    if (other.empty()) {
      return;
    }
    ListNode* first = other.sentinel_.next_;
    ListNode* last = other.sentinel_.previous_;
    first->previous_ = sentinel_.previous_;
    sentinel_.previous_->next_ = first;
    last->next_ = &sentinel_;
    sentinel_.previous_ = last;
    other.sentinel_.next_ = other.sentinel_.previous_ = &other.sentinel_;
  }

 private:
  struct Sentinel : ListNode {};
  Sentinel sentinel_;
};

}  // namespace sluice::detail
