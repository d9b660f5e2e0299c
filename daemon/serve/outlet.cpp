#include "serve/outlet.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <span>

namespace sluiced::serve {

using observe::TransferCut;

void Outlet::allow_stall() const {
  if (stall) {
    deadline.set(executor.now() + *stall);
  } else {
    deadline.clear();
  }
}

TransferCut Outlet::cut_by(const std::error_code& error) const noexcept {
  if (sluice::is_cancelled(error)) {
    return deadline.has_expired() ? TransferCut::write_stall : TransferCut::drain_cut;
  }
  return TransferCut::client_abort;
}

Cut Outlet::find_cut() const noexcept {
  if (deadline.scope().is_cancelled()) {
    return cut_by(std::make_error_code(std::errc::operation_canceled));
  }
  return std::nullopt;
}

// The kernel says that there is room only when a good part of its buffer is free: a client that
// reads slowly, and takes minutes for that, has not stalled as long as it acknowledges something.
sluice::Task<Cut> await_room(const Outlet& outlet) {
  auto before = outlet.socket.progress();
  while (true) {
    outlet.allow_stall();
    const auto ready = co_await outlet.socket.wait_writable().within(outlet.deadline.scope());
    if (ready) {
      co_return Cut();
    }
    const auto now = outlet.socket.progress();
    if (!outlet.deadline.has_expired() || !before || !now ||
        now->acknowledged_bytes == before->acknowledged_bytes) {
      co_return outlet.cut_by(ready.error());
    }
    before = now;
  }
}

sluice::Task<Cut> send_bytes(const Outlet& outlet, std::string_view bytes, std::size_t head_bytes,
                             int flags) {
  while (!bytes.empty()) {
    outlet.allow_stall();
    const auto piece = bytes.substr(0, kBytesPerTurn);
    const int more = piece.size() < bytes.size() ? MSG_MORE : 0;
    const auto sent = co_await outlet.socket.send(std::as_bytes(std::span(piece)), flags | more)
                          .within(outlet.deadline.scope());
    if (!sent) {
      co_return outlet.cut_by(sent.error());
    }
    const std::size_t of_head = std::min(*sent, head_bytes);
    head_bytes -= of_head;
    outlet.count(*sent - of_head);
    bytes.remove_prefix(*sent);
  }
  co_return std::nullopt;
}

}  // namespace sluiced::serve
