#include <sluice/zero_copy.hpp>

#include <cerrno>
#include <utility>

namespace sluice {

bool ZeroCopySender::SendAwaiter::start(detail::PromiseBase& promise) noexcept {
  detail::invariant(!sender_.in_flight_,
                    "a ZeroCopySender has one buffer out at a time: await released() first");
  CancelScope* scope = scope_ != nullptr ? scope_ : promise.cancel_scope();
  if (scope != nullptr && scope->is_cancelled()) {
    return false;
  }
  Reactor& reactor = promise.executor().reactor();
  if (const int error = request_.refusal(reactor.ring()); error != 0) {
    completion_ = {-error, 0};
    return false;
  }
  const auto id = reactor.register_operation(sender_, request_.prepare());
  if (!id) {
    completion_ = {-id.error().value(), 0};
    return false;
  }
  id_ = *id;
  promise_ = &promise;
  sender_.sending_ = this;
  sender_.in_flight_ = true;
  if (scope != nullptr) {
    scope->attach(*this);
  }
  return true;
}

// The coroutine stays suspended until the kernel has said what became of the send.
void ZeroCopySender::SendAwaiter::on_cancel() noexcept {
  promise_->executor().reactor().cancel(id_);
}

void ZeroCopySender::wake(Completion completion) noexcept {
  // The first completion has the count or the error. It is the only one when the kernel never
  // took the buffer up.
  if (SendAwaiter* sending = std::exchange(sending_, nullptr); sending != nullptr) {
    sending->completion_ = completion;
    sending->detach();
    sending->promise_->executor().make_ready(*sending->promise_);
  }
  if (!completion.is_final()) {
    return;
  }
  in_flight_ = false;
  if (detail::PromiseBase* releasing = std::exchange(releasing_, nullptr); releasing != nullptr) {
    releasing->executor().make_ready(*releasing);
  }
}

}  // namespace sluice
