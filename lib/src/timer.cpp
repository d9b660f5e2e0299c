#include <sluice/timer.hpp>

namespace sluice {

bool SleepAwaiter::start(detail::PromiseBase& promise) {
  CancelScope* scope = promise.cancel_scope();
  if (scope != nullptr && scope->is_cancelled()) {
    cancelled_ = true;
    return false;
  }
  promise_ = &promise;
  Executor& executor = promise.executor();
  const TimePoint now = executor.now();
  const TimePoint end = duration_ < kNever - now ? now + duration_ : kNever;
  executor.arm(*this, is_relative_ ? end : until_);
  if (scope != nullptr) {
    scope->attach(*this);
  }
  return true;
}

void SleepAwaiter::on_expired() noexcept {
  detach();
  promise_->executor().make_ready(*promise_);
}

void SleepAwaiter::on_cancel() noexcept {
  cancelled_ = true;
  promise_->executor().disarm(*this);
  promise_->executor().make_ready(*promise_);
}

void Deadline::set(TimePoint deadline) {
  if (expired_) {
    expired_ = false;
    scope_.reset(parent_);
  }
  wanted_ = deadline;
  if (!is_armed() || deadline < TimerNode::deadline()) {
    executor_.arm(*this, deadline);
  }
}

void Deadline::on_expired() noexcept {
  if (wanted_ == kNever) {
    return;
  }
  if (wanted_ > executor_.now()) {
    executor_.arm(*this, wanted_);
    return;
  }
  expired_ = true;
  scope_.cancel();
}

}  // namespace sluice
