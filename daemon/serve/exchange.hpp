#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <sluice/clock.hpp>

#include "http/request_head.hpp"
#include "http/target.hpp"
#include "serve/residency.hpp"
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
  /// Whether kMostBytes are unused: nothing is to be added then.
  [[nodiscard]] bool is_full() const noexcept { return end_ - begin_ >= kMostBytes; }

  /// Puts bytes behind view(), moving or growing the buffer if need be: views into it are dead
  /// then.
  void append(std::span<const std::byte> bytes);
  /// Where bytes can be put behind view() that are then added.
  [[nodiscard]] std::span<char> room() noexcept { return storage_.subspan(end_); }
  void add(std::size_t bytes) noexcept { end_ += bytes; }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }
  void clear() noexcept { begin_ = end_ = 0; }
  /// Forgets what is in it, and gives back what it has grown.
  void shrink() noexcept;

 private:
  void make_room(std::size_t bytes);

  std::array<char, kFirstBytes> first_;
  std::vector<char> grown_;  // in place of first_ once that was too small
  std::span<char> storage_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Responses that are ready and not sent: heads, and small contents behind them. Those to requests
/// that came together leave together.
class OutputBuffer {
 public:
  /// A head and a small file behind it always fit an empty buffer.
  static constexpr std::size_t kHeadBytes = std::size_t{4} * 1024;
  static constexpr std::size_t kSmallFileBytes = std::size_t{8} * 1024;
  static constexpr std::size_t kBytes = std::size_t{32} * 1024;

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// Whether one more response fits behind those that are there.
  [[nodiscard]] bool has_room() const noexcept {
    return kBytes - end_ >= kHeadBytes + kSmallFileBytes;
  }
  /// What is to be sent.
  [[nodiscard]] std::string_view unsent() const noexcept {
    return {bytes_.data() + begin_, end_ - begin_};
  }
  /// How much of unsent() is not content of the last response.
  [[nodiscard]] std::size_t unsent_head_bytes() const noexcept {
    return content_begin_ - std::min(begin_, content_begin_);
  }
  /// Whether content of the last response is among it.
  [[nodiscard]] bool has_content() const noexcept { return end_ > content_begin_; }

  /// Where the next head goes, and then content that is no longer than room() is.
  [[nodiscard]] std::span<char> room() noexcept { return std::span(bytes_).subspan(end_); }
  void add_head(std::size_t bytes) noexcept {
    head_begin_ = end_;
    content_begin_ = end_ += bytes;
  }
  void add_content(std::size_t bytes) noexcept { end_ += bytes; }
  /// Counts the content of the last response as any other bytes from here on: how much it was.
  [[nodiscard]] std::size_t settle_content() noexcept {
    return end_ - std::exchange(content_begin_, end_);
  }
  /// Takes the last response back, of which nothing has been sent.
  void take_back() noexcept { end_ = content_begin_ = head_begin_; }
  void sent(std::size_t bytes) noexcept {
    begin_ += bytes;
    if (empty()) {
      clear();
    }
  }
  void clear() noexcept { begin_ = end_ = head_begin_ = content_begin_ = 0; }

 private:
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t head_begin_ = 0;     // of the last response
  std::size_t content_begin_ = 0;  // likewise
  std::array<char, kBytes> bytes_;
};

/// Everything that one request needs and an idle connection does not: it is lent to a connection
/// when something of a request has come, and taken back when all of them are answered. So there are
/// as many as are being answered, and those that take no waiting are answered in one and the same.
///
/// Each has pages of its own from mmap(2). From the heap they would lie between smaller things that
/// live longer, and after a burst of requests idle connections would cost what busy ones do.
struct Exchange {
  [[nodiscard]] static void* operator new(std::size_t bytes);
  static void operator delete(void* exchange, std::size_t bytes) noexcept;

  /// When what had happened, for the access log; not kept up without one.
  struct Times {
    sluice::TimePoint began;     // the first byte of the request was there
    sluice::TimePoint head;      // its head was complete
    sluice::TimePoint response;  // the response was ready to be sent
  };
  /// How far the request has come that has to be waited for.
  enum class Stage : std::uint8_t {
    head,     // more of its head has to come
    refused,  // it is none, see `fault`
    begun,    // its head is complete, and a body follows
    lookup,   // the handler has to be asked with waiting
    content,  // the response is decided, its head is in `output`, its content is not or not all
  };

  InputBuffer input;
  http::RequestHeadParser parser{http::HeadLimits{}};
  std::size_t head_bytes = 0;  // of the request being answered; 0 while its head is not complete
  Stage stage = Stage::head;
  http::ProtocolError fault{};
  bool keep_alive = false;  // after the response
  bool has_parted = false;  // all of the response is held back until the connection ends
  Times times;
  std::uint64_t content_sent = 0;  // bytes of content handed to the socket, of this response
  Residency residency = Residency::unknown;  // of its content, as was found in this turn
  http::RequestHead head;
  http::PathBuffer path;
  Response response;
  OutputBuffer output;
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
