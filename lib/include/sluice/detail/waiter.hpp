#pragma once

#include <sluice/cancel.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/detail/invariant.hpp>
#include <sluice/executor.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

/// What all the primitives of sync.hpp wait with, so that there is one account of how a wait
/// begins, is granted, and is cancelled.
namespace sluice::detail {

template <class W>
class WaiterList;

/// One coroutine in a WaiterList. An awaitable derives from it; it lives in the awaiting frame, and
/// waiting costs no allocation and no atomic operation.
///
/// A wait ends once: it is granted by whoever takes the waiter out of its list, or cancelled, which
/// takes it out. What was granted first is delivered even if a cancel follows before the coroutine
/// runs again.
class Waiter : private CancelLink {
 public:
  /// Movable until it is awaited.
  Waiter(Waiter&& other) noexcept : scope_(other.scope_) {}
  Waiter& operator=(Waiter&&) = delete;

 protected:
  explicit Waiter(CancelScope* scope = nullptr) noexcept : scope_(scope) {}
  ~Waiter() {
    invariant(!place_.is_linked(),
              "a coroutine is destroyed only when its waits are over: cancel its scope and await "
              "it");
  }

  /// Waits under another scope than the awaiting coroutine's own.
  void set_scope(CancelScope& scope) noexcept { scope_ = &scope; }
  /// Begins a wait. False when the scope is cancelled already, and then was_cancelled() is true.
  [[nodiscard]] bool begin(PromiseBase& promise) noexcept {
    promise_ = &promise;
    if (scope_ == nullptr) {
      scope_ = promise.cancel_scope();
    }
    cancelled_ = scope_ != nullptr && scope_->is_cancelled();
    return !cancelled_;
  }
  [[nodiscard]] bool was_cancelled() const noexcept { return cancelled_; }
  [[nodiscard]] Result<void> outcome() const noexcept {
    return cancelled_ ? Result<void>(failure(std::errc::operation_canceled)) : Result<void>();
  }

 private:
  template <class W>
  friend class WaiterList;
  // A member and not a base: the link to the cancel scope is a list node too.
  struct Place : detail::ListNode {
    explicit Place(Waiter& owner) noexcept : waiter(owner) {}
    Waiter& waiter;
  };

  /// A cancel has just taken this one out of its list: those behind it may have been waiting for
  /// that.
  virtual void on_left() noexcept {}
  void on_cancel() noexcept final {
    cancelled_ = true;
    place_.unlink();
    on_left();
    promise_->executor().make_ready(*promise_);
  }
  void enter(IntrusiveList<Place>& list) noexcept {
    if (const Place* first = list.front(); first != nullptr) {
      invariant(&first->waiter.promise_->executor() == &promise_->executor(),
                "those who wait for one thing are of one shard: ShardSet::submit_to() carries work "
                "to another");
    }
    if (scope_ != nullptr) {
      scope_->attach(*this);
    }
    list.push_back(place_);
  }
  void grant() noexcept {
    detach();
    promise_->executor().make_ready(*promise_);
  }

  CancelScope* scope_;
  PromiseBase* promise_ = nullptr;
  Place place_{*this};
  bool cancelled_ = false;
};

/// Those who wait for one thing, in the order they came. Belongs to one shard: waiting from another
/// while somebody waits, or granting from another, aborts.
template <class W>
class WaiterList {
 public:
  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  /// The one who has waited longest; null when nobody does.
  [[nodiscard]] W* front() const noexcept {
    auto* place = list_.front();
    return place != nullptr ? static_cast<W*>(&place->waiter) : nullptr;
  }
  /// Aborts when it is called from another thread while somebody waits. To be asked before anything
  /// is changed that those who wait can see.
  void expect_own_thread() const noexcept {
    if (const auto* first = list_.front(); first != nullptr) {
      first->waiter.promise_->executor().expect_its_thread();
    }
  }
  /// At the end of the list; after Waiter::begin().
  void push_back(Waiter& waiter) noexcept { waiter.enter(list_); }
  /// Takes the first one out and makes its coroutine ready; null when nobody waits. What it is
  /// granted is to be stored in it at once.
  W* grant_front() noexcept {
    expect_own_thread();
    auto* place = list_.pop_front();
    if (place == nullptr) {
      return nullptr;
    }
    place->waiter.grant();
    return static_cast<W*>(&place->waiter);
  }

 private:
  IntrusiveList<Waiter::Place> list_;
};

}  // namespace sluice::detail
