#include "serve/exchange.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

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
      std::vector<char> larger(std::min(2 * storage_.size(), kMostBytes));
      std::memcpy(larger.data(), storage_.data(), end_);
      grown_ = std::move(larger);
      storage_ = grown_;
    }
  }
  return std::as_writable_bytes(std::span(storage_)).subspan(end_);
}

void InputBuffer::shrink() noexcept {
  clear();
  grown_ = {};
  storage_ = first_;
}

void* Exchange::operator new(std::size_t bytes) {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    throw std::bad_alloc();
  }
  return pages;
}

void Exchange::operator delete(void* exchange, std::size_t bytes) noexcept {
  ::munmap(exchange, bytes);
}

ExchangePool::Lease ExchangePool::take() {
  if (free_.empty()) {
    // Not value-initialised: that would touch every page.
    return Lease(std::make_unique_for_overwrite<Exchange>().release(), GiveBack{this});
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
