#include "serve/outlet.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <span>

#include <sluice/socket_requests.hpp>

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

std::size_t send_at_once(const Outlet& outlet, std::string_view bytes, std::size_t head_bytes,
                         int flags) noexcept {
  sluice::SendRequest request(outlet.socket.fd(), std::as_bytes(std::span(bytes)), flags);
  const std::int32_t answer = outlet.executor.reactor().attempt(request.prepare());
  const auto sent = static_cast<std::size_t>(std::max(answer, 0));
  outlet.count(sent - std::min(sent, head_bytes));
  return sent;
}

sluice::Task<Cut> send_bytes(const Outlet& outlet, std::string_view bytes, std::size_t head_bytes,
                             int flags) {
  bool may_wait = false;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, kBytesPerTurn);
    const int piece_flags = flags | (piece.size() < bytes.size() ? MSG_MORE : 0);
    std::size_t sent = 0;
    if (!may_wait) {
      sent = send_at_once(outlet, piece, head_bytes, piece_flags);
      may_wait = true;
    } else {
      outlet.allow_stall();
      const auto count = co_await outlet.socket.send(std::as_bytes(std::span(piece)), piece_flags)
                             .within(outlet.deadline.scope());
      if (!count) {
        co_return outlet.cut_by(count.error());
      }
      sent = *count;
      outlet.count(sent - std::min(sent, head_bytes));
    }
    head_bytes -= std::min(sent, head_bytes);
    bytes.remove_prefix(sent);
  }
  co_return std::nullopt;
}

}  // namespace sluiced::serve
