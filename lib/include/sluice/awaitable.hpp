#pragma once

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <utility>

#include <sluice/cancel.hpp>
#include <sluice/detail/invariant.hpp>
#include <sluice/executor.hpp>
#include <sluice/operation.hpp>

namespace sluice {

/// What an operation is made of: prepare() fills the submission entry and may point into the object
/// itself, which does not move from then on; finish() turns the completion into what the awaiting
/// coroutine gets.
template <class Request>
concept OperationRequest = requires(Request request, Completion completion) {
  { request.prepare() } noexcept -> std::same_as<Submission>;
  { request.finish(completion) } noexcept;
};

/// A request that has `int refusal(const Ring&) noexcept` is asked before it is submitted: 0, or
/// the errno that the operation ends with at once. For wrong calls that the kernel cannot tell from
/// right ones, and for operations that it may be too old for.
template <class Request>
concept RefusingRequest = requires(const Request request, const Ring& ring) {
  { request.refusal(ring) } noexcept -> std::same_as<int>;
};

/// A request that gives something away to the kernel, such as the descriptor that it closes, has
/// `void submitted() noexcept`, called once the operation is registered. Such an operation is not
/// cancellable: it runs, and is awaited to its end, even in a scope that is cancelled.
template <class Request>
concept HandingOverRequest = requires(Request request) {
  { request.submitted() } noexcept;
};

/// An operation as an awaitable, which is awaited once. It lives in the frame of the coroutine that
/// awaits it: no allocation, no reference counting, and its buffers are the awaiting coroutine's
/// own to keep alive.
///
/// Cancelling the coroutine's scope asks the kernel to end the operation; the coroutine stays
/// suspended until the completion comes. It gets ECANCELED, or the result if that won the race. In
/// a scope that is cancelled already, nothing is submitted and ECANCELED is the result.
template <OperationRequest Request>
class [[nodiscard]] Operation final : private Waker, private CancelLink {
 public:
  using Outcome = decltype(std::declval<Request&>().finish(Completion{}));

  /// Prepares nothing yet: the entry is filled when the operation is awaited.
  explicit Operation(Request request) noexcept : request_(std::move(request)) {}
  /// Movable until it is awaited.
  Operation(Operation&& other) noexcept
      : request_(std::move(other.request_)), scope_(other.scope_) {}
  Operation& operator=(Operation&&) = delete;
  ~Operation() {
    detail::invariant(!in_flight_,
                      "a coroutine is destroyed only when its operations are complete: cancel its "
                      "scope and await it");
  }

  /// Awaits under another scope than the awaiting coroutine's own.
  [[nodiscard]] Operation within(CancelScope& scope) && noexcept {
    scope_ = &scope;
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }

  template <detail::RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    return start(handle.promise());
  }

  Outcome await_resume() noexcept { return request_.finish(completion_); }

 private:
  [[nodiscard]] bool start(detail::PromiseBase& promise) noexcept {
    detail::invariant(promise_ == nullptr,
                      "an Operation is awaited once: make another one for another round");
    promise_ = &promise;
    CancelScope* scope = scope_ != nullptr ? scope_ : promise.cancel_scope();
    if constexpr (HandingOverRequest<Request>) {
      scope = nullptr;
    }
    if (scope != nullptr && scope->is_cancelled()) {
      completion_ = {-ECANCELED, 0};
      return false;
    }
    if constexpr (RefusingRequest<Request>) {
      if (const int error = request_.refusal(promise.executor().reactor().ring()); error != 0) {
        completion_ = {-error, 0};
        return false;
      }
    }
    id_ = promise.executor().reactor().file_operation(*this, request_.prepare());
    if (!id_) {
      completion_ = {-ENOBUFS, 0};
      return false;
    }
    if constexpr (HandingOverRequest<Request>) {
      request_.submitted();
    }
    in_flight_ = true;
    if (scope != nullptr) {
      scope->attach(*this);
    }
    return true;
  }

  void wake(Completion completion) noexcept override {
    if (!completion.is_final()) {
      // Of the zero-copy sends: the count comes first, the notification that frees the buffer last.
      completion_ = completion;
      has_count_ = true;
      return;
    }
    if (!has_count_) {
      completion_ = completion;
    }
    if (completion_.result < 0 && is_interruption(completion_.result)) {
      completion_.result = cancel_asked_ ? -ECANCELED : -EINTR;
    }
    in_flight_ = false;
    detach();
    promise_->executor().make_ready(*promise_);
  }

  // What a worker of the kernel's answers that a cancel has interrupted: EINTR or, for splice, one
  // of the ERESTART numbers, 512 to 516, that are meant to stay within the kernel.
  [[nodiscard]] static constexpr bool is_interruption(std::int32_t result) noexcept {
    return result == -EINTR || (result <= -512 && result >= -516);
  }

  void on_cancel() noexcept override {
    cancel_asked_ = true;
    promise_->executor().reactor().cancel(id_);
  }

  // First what wake() needs: with the bases, one line of the cache.
  detail::PromiseBase* promise_ = nullptr;
  Completion completion_;
  OperationId id_;
  bool in_flight_ = false;
  bool has_count_ = false;
  bool cancel_asked_ = false;
  Request request_;
  CancelScope* scope_ = nullptr;
};

}  // namespace sluice
