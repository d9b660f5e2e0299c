#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <sluice/detail/waiter.hpp>

namespace sluice {

/// A queue of bounded length between coroutines of one shard: who sends waits while it is full, who
/// receives waits while it is empty. Values come out in the order they went in, each once; any
/// number may send and receive, and both are served in the order they came.
///
/// close() ends it from either side. What was sent before is still received; after that both sides
/// get EPIPE. No value is lost to a cancel: one that was handed to a receiver is delivered.
///
/// The room is allocated once, by the constructor. Belongs to one shard; see Event. For messages
/// between shards there is ShardSet.
template <class T>
class Channel {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a value must not be lost on its way through a Channel");

 public:
  /// `capacity` is at least 1: how many values may be in it.
  explicit Channel(std::size_t capacity)
      : capacity_(capacity), values_(std::make_unique<std::optional<T>[]>(capacity)) {
    detail::invariant(capacity > 0, "a Channel has room for one value at least");
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// Nobody may be waiting. Values that nobody received are destroyed.
  ~Channel() {
    detail::invariant(senders_.empty() && receivers_.empty(),
                      "a Channel outlives those who wait for it");
  }

  class SendAwaiter;
  class ReceiveAwaiter;
  /// Waits for room and puts the value in. ECANCELED when the caller's scope is cancelled first, or
  /// was already; EPIPE when the channel is closed. The value is gone after an error.
  [[nodiscard]] SendAwaiter send(T value) noexcept { return {*this, std::move(value)}; }
  /// Waits for the next value. ECANCELED when the caller's scope is cancelled first, or was
  /// already; EPIPE when the channel is closed and empty.
  [[nodiscard]] ReceiveAwaiter receive() noexcept { return ReceiveAwaiter(*this); }

  /// Never waits: EAGAIN when it is full, EPIPE when it is closed, and then `value` is untouched.
  [[nodiscard]] Result<void> try_send(T&& value) noexcept {
    if (is_closed_) {
      return failure(std::errc::broken_pipe);
    }
    if (!accept(value)) {
      return failure(std::errc::resource_unavailable_try_again);
    }
    return {};
  }
  /// Never waits: EAGAIN when it is empty, EPIPE when it is closed as well.
  [[nodiscard]] Result<T> try_receive() noexcept {
    if (std::optional<T> value = take()) {
      return std::move(*value);
    }
    return failure(is_closed_ ? std::errc::broken_pipe : std::errc::resource_unavailable_try_again);
  }

  /// Nothing goes in any more. Wakes all who wait. Does nothing the second time.
  void close() noexcept {
    senders_.expect_own_thread();
    receivers_.expect_own_thread();
    is_closed_ = true;
    while (senders_.grant_front() != nullptr) {
    }
    while (receivers_.grant_front() != nullptr) {
    }
  }
  /// Whether close() has been called.
  [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
  /// How many values wait to be received.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many there may be before senders wait.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  // Receivers wait only while it is empty, and senders only while it is full.
  [[nodiscard]] bool accept(T& value) noexcept {
    if (ReceiveAwaiter* receiver = receivers_.grant_front(); receiver != nullptr) {
      receiver->value_.emplace(std::move(value));
      return true;
    }
    if (size_ == capacity_) {
      return false;
    }
    put(value);
    return true;
  }
  [[nodiscard]] std::optional<T> take() noexcept {
    if (size_ == 0) {
      return std::nullopt;
    }
    senders_.expect_own_thread();
    std::optional<T> value = std::exchange(values_[first_], std::nullopt);
    first_ = (first_ + 1) % capacity_;
    --size_;
    if (SendAwaiter* sender = senders_.grant_front(); sender != nullptr) {
      put(sender->value_);
      sender->is_sent_ = true;
    }
    return value;
  }
  void put(T& value) noexcept {
    values_[(first_ + size_) % capacity_].emplace(std::move(value));
    ++size_;
  }

  std::size_t capacity_;
  std::unique_ptr<std::optional<T>[]> values_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  detail::WaiterList<SendAwaiter> senders_;
  detail::WaiterList<ReceiveAwaiter> receivers_;
  bool is_closed_ = false;
};

/// What Channel::send() returns.
template <class T>
class [[nodiscard]] Channel<T>::SendAwaiter final : public detail::Waiter {
 public:
  SendAwaiter(Channel& channel, T value) noexcept : channel_(channel), value_(std::move(value)) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] SendAwaiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (!begin(handle.promise()) || channel_.is_closed_) {
      return false;
    }
    is_sent_ = channel_.accept(value_);
    if (!is_sent_) {
      channel_.senders_.push_back(*this);
    }
    return !is_sent_;
  }
  Result<void> await_resume() const noexcept {
    if (was_cancelled()) {
      return failure(std::errc::operation_canceled);
    }
    return is_sent_ ? Result<void>() : failure(std::errc::broken_pipe);
  }

 private:
  friend class Channel;
  Channel& channel_;
  T value_;
  bool is_sent_ = false;
};

/// What Channel::receive() returns.
template <class T>
class [[nodiscard]] Channel<T>::ReceiveAwaiter final : public detail::Waiter {
 public:
  explicit ReceiveAwaiter(Channel& channel) noexcept : channel_(channel) {}
  /// Waits under another scope than the awaiting coroutine's own.
  [[nodiscard]] ReceiveAwaiter within(CancelScope& scope) && noexcept {
    set_scope(scope);
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (!begin(handle.promise())) {
      return false;
    }
    value_ = channel_.take();
    if (value_.has_value() || channel_.is_closed_) {
      return false;
    }
    channel_.receivers_.push_back(*this);
    return true;
  }
  Result<T> await_resume() noexcept {
    if (was_cancelled()) {
      return failure(std::errc::operation_canceled);
    }
    if (!value_.has_value()) {
      return failure(std::errc::broken_pipe);
    }
    return std::move(*value_);
  }

 private:
  friend class Channel;
  Channel& channel_;
  std::optional<T> value_;
};

}  // namespace sluice
