#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <sluice/clock.hpp>

#include "http/request_head.hpp"
#include "http/target.hpp"
#include "serve/response.hpp"

namespace sluiced::serve {

/// The bytes received and not used up: a window that moves through a buffer, which grows up to a
/// limit. Not movable: the first buffer is inside.
class InputBuffer {
 public:
  static constexpr std::size_t kFirstBytes = std::size_t{4} * 1024;
  /// What a head may take (http::FieldTable::kMaxBufferBytes).
  static constexpr std::size_t kMostBytes = http::FieldTable::kMaxBufferBytes;

  InputBuffer() noexcept : storage_(first_.data(), first_.size()) {}
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  [[nodiscard]] std::string_view view() const noexcept {
    return {storage_.data() + begin_, end_ - begin_};
  }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

  /// Room for more bytes behind view(), moving or growing it if need be: views into it are dead
  /// then. Empty when kMostBytes are unused already.
  [[nodiscard]] std::span<std::byte> room();
  void received(std::size_t bytes) noexcept { end_ += bytes; }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }
  void clear() noexcept { begin_ = end_ = 0; }
  /// Forgets what is in it, and gives back what it has grown.
  void shrink() noexcept;

 private:
  std::array<char, kFirstBytes> first_;
  std::vector<char> grown_;  // in place of first_ once that was too small
  std::span<char> storage_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Everything that one request needs and an idle connection does not: it is lent to a connection
/// when a request begins, and taken back when the connection falls silent.
///
/// Each has pages of its own from mmap(2). From the heap they would lie between smaller things that
/// live longer, and after a burst of requests idle connections would cost what busy ones do.
struct Exchange {
  [[nodiscard]] static void* operator new(std::size_t bytes);
  static void operator delete(void* exchange, std::size_t bytes) noexcept;

  /// A head and a small file behind it, in one buffer and one send.
  static constexpr std::size_t kHeadBytes = std::size_t{4} * 1024;
  static constexpr std::size_t kSmallFileBytes = std::size_t{8} * 1024;

  /// When what had happened, for the access log; not kept up without one.
  struct Times {
    sluice::TimePoint began;     // the first byte of the request was there
    sluice::TimePoint head;      // its head was complete
    sluice::TimePoint response;  // the response was ready to be sent
  };

  InputBuffer input;
  Times times;
  std::uint64_t content_sent = 0;  // bytes of content handed to the socket, of this response
  http::RequestHead head;
  http::PathBuffer path;
  Response response;
  std::array<char, kHeadBytes + kSmallFileBytes> output;
};

/// Keeps exchanges that are not in use. Belongs to one shard.
class ExchangePool {
 public:
  /// At most `most_kept` unused ones are kept.
  explicit ExchangePool(std::size_t most_kept) noexcept : most_kept_(most_kept) {}
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;

  struct GiveBack {
    ExchangePool* pool;
    void operator()(Exchange* exchange) const noexcept { pool->give_back(exchange); }
  };
  using Lease = std::unique_ptr<Exchange, GiveBack>;

  [[nodiscard]] Lease take();
  [[nodiscard]] Lease none() noexcept { return Lease(nullptr, GiveBack{this}); }

 private:
  void give_back(Exchange* exchange) noexcept;

  std::size_t most_kept_;
  std::vector<std::unique_ptr<Exchange>> free_;
};

}  // namespace sluiced::serve
