#include "serve/exchange.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace sluiced::serve {

void InputBuffer::append(std::span<const std::byte> bytes) {
  if (empty()) {
    clear();
  }
  if (bytes.size() > storage_.size() - end_) {
    make_room(bytes.size());
  }
  std::memcpy(storage_.data() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void InputBuffer::make_room(std::size_t bytes) {
  const std::size_t held = end_ - begin_;
  if (held + bytes <= storage_.size()) {
    std::memmove(storage_.data(), storage_.data() + begin_, held);
  } else {
    std::vector<char> larger(std::max(held + bytes, std::min(2 * storage_.size(), kMostBytes)));
    std::memcpy(larger.data(), storage_.data() + begin_, held);
    grown_ = std::move(larger);
    storage_ = grown_;
  }
  begin_ = 0;
  end_ = held;
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
  owned->parser.reset();
  owned->head_bytes = 0;
  owned->input.shrink();
  owned->output.clear();
  if (free_.size() < most_kept_) {
    free_.push_back(std::move(owned));
  }
}

}  // namespace sluiced::serve
