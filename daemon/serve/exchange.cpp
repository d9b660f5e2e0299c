#include "serve/exchange.hpp"

#include <algorithm>
#include <cstring>

namespace sluiced::serve {

std::span<std::byte> InputBuffer::room() {
  if (empty()) {
    clear();
  }
  if (end_ == storage_.size()) {
    if (begin_ > 0) {
      std::memmove(storage_.data(), storage_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    } else if (storage_.size() < kMostBytes) {
      storage_.resize(std::min(2 * storage_.size(), kMostBytes));
    }
  }
  return std::as_writable_bytes(std::span(storage_)).subspan(end_);
}

void InputBuffer::shrink() {
  clear();
  if (storage_.size() > kFirstBytes) {
    storage_ = std::vector<char>(kFirstBytes);
  }
}

ExchangePool::Lease ExchangePool::take() {
  if (free_.empty()) {
    return Lease(std::make_unique<Exchange>().release(), GiveBack{this});
  }
  Exchange* exchange = free_.back().release();
  free_.pop_back();
  return Lease(exchange, GiveBack{this});
}

void ExchangePool::give_back(Exchange* exchange) noexcept {
  std::unique_ptr<Exchange> owned(exchange);
  owned->response.clear();
  owned->input.shrink();
  if (free_.size() < most_kept_) {
    free_.push_back(std::move(owned));
  }
}

}  // namespace sluiced::serve
