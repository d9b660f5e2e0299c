#pragma once

#include <sluice/detail/api.hpp>
#include <sluice/detail/home_thread.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/detail/invariant.hpp>

namespace sluice {

/// Something that can be asked to end early: an operation in flight, a wait, a scope below.
class SLUICE_API CancelLink : private detail::ListNode {
 public:
  CancelLink() noexcept = default;

 protected:
  ~CancelLink() = default;
  /// Whether it is in a scope.
  [[nodiscard]] bool is_attached() const noexcept { return is_linked(); }
  /// Leaves its scope, if it is in one. Whoever completes does this before it wakes its waiter.
  void detach() noexcept { unlink(); }

 private:
  friend class CancelScope;
  friend class detail::IntrusiveList<CancelLink>;
  /// Asked once, after the link has left its scope. Only asks: whoever waits is resumed later, from
  /// the shard's loop, by the completion itself.
  virtual void on_cancel() noexcept = 0;
};

/// A region of work that is cancelled together. Scopes form a tree: cancelling one cancels all
/// below it. Cancelling never frees anything and never drops a result: it asks each operation in
/// the scope to end, and each still completes through its waiter.
///
/// Belongs to one shard: no atomics, and only the thread that made it may touch it. Cancelling from
/// another thread aborts; ShardSet::post() carries a cancel to another shard, and a task that
/// ShardSet::submit_to() runs there is cancelled with its caller.
class CancelScope final : private CancelLink {
 public:
  CancelScope() noexcept = default;
  /// Cancelled when `parent` is; already cancelled if `parent` is.
  explicit CancelScope(CancelScope* parent) noexcept { attach_to(parent); }
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  /// The links of a scope that ends move up to its parent's fate: there must be none.
  ~CancelScope() = default;

  /// Whether it, or a scope above it, has been cancelled (and not reset).
  [[nodiscard]] bool is_cancelled() const noexcept { return cancelled_; }

  /// Asks everything in the scope and below it to end, once; a second call does nothing. Only asks:
  /// whoever waits is resumed later, by the loop.
  void cancel() noexcept {
    detail::invariant(home_.is_current(),
                      "a CancelScope is cancelled on the thread that made it: send the cancel to "
                      "its shard with ShardSet::post()");
    if (cancelled_) {
      return;
    }
    cancelled_ = true;
    // One at a time from the front: on_cancel() may detach other links of this scope.
    while (CancelLink* link = links_.pop_front()) {
      link->on_cancel();
    }
  }

  /// Makes a cancelled scope usable again, below `parent`; nothing may be attached to it. For a
  /// scope that is used once for each step of a loop, such as a deadline for each request.
  void reset(CancelScope* parent) noexcept {
    cancelled_ = false;
    detach();
    attach_to(parent);
  }

  /// Puts a link under this scope, which must not be cancelled.
  void attach(CancelLink& link) noexcept { links_.push_back(link); }
  /// Whether anything is in the scope now.
  [[nodiscard]] bool has_links() const noexcept { return !links_.empty(); }

 private:
  void attach_to(CancelScope* parent) noexcept {
    if (parent == nullptr) {
      return;
    }
    if (parent->is_cancelled()) {
      cancelled_ = true;
    } else {
      parent->attach(*this);
    }
  }
  void on_cancel() noexcept override { cancel(); }

  detail::IntrusiveList<CancelLink> links_;
  detail::HomeThread home_;
  bool cancelled_ = false;
};

}  // namespace sluice
