#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sluice/metrics.hpp>

namespace sluice {

class BufferPool;

/// One buffer of a pool; gives itself back. The pool must outlive it.
class BufferLease {
 public:
  BufferLease() noexcept = default;
  BufferLease(BufferLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  BufferLease& operator=(BufferLease&& other) noexcept {
    if (this != &other) {
      give_back();
      pool_ = std::exchange(other.pool_, nullptr);
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  BufferLease(const BufferLease&) = delete;
  BufferLease& operator=(const BufferLease&) = delete;
  ~BufferLease() { give_back(); }

  /// Whether it holds a buffer.
  [[nodiscard]] explicit operator bool() const noexcept { return pool_ != nullptr; }
  /// The whole buffer; empty when it holds none.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Gives the buffer back before the lease ends. No operation may be using it.
  void give_back() noexcept;

 private:
  friend class BufferPool;
  BufferLease(BufferPool& pool, std::span<std::byte> bytes) noexcept
      : pool_(&pool), bytes_(bytes) {}
  BufferPool* pool_ = nullptr;
  std::span<std::byte> bytes_;
};

/// Buffers of one size, aligned to pages, made as they are first needed up to a limit, and kept.
/// Belongs to one shard.
class BufferPool {
 public:
  /// Buffers of `buffer_bytes` each, at most `most_buffers` of them; none is made yet.
  BufferPool(std::size_t buffer_bytes, std::size_t most_buffers) noexcept
      : buffer_bytes_(buffer_bytes), most_buffers_(most_buffers) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A buffer, or none when all are out: back-pressure, not a reason to fail.
  [[nodiscard]] std::optional<BufferLease> take();

  /// The size of each buffer.
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  /// Buffers out on a lease.
  [[nodiscard]] const Gauge& in_use() const noexcept { return in_use_; }
  /// Buffers made so far, and kept.
  [[nodiscard]] const Gauge& made() const noexcept { return made_; }
  /// How often there was none.
  [[nodiscard]] const Counter& exhausted() const noexcept { return exhausted_; }

 private:
  friend class BufferLease;
  static constexpr std::align_val_t kAlignment{4096};
  struct Release {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, kAlignment); }
  };
  using Memory = std::unique_ptr<std::byte, Release>;

  std::size_t buffer_bytes_;
  std::size_t most_buffers_;
  std::vector<Memory> all_;
  std::vector<std::byte*> free_;
  Gauge in_use_;
  Gauge made_;
  Counter exhausted_;
};

inline std::optional<BufferLease> BufferPool::take() {
  if (free_.empty()) {
    if (all_.size() == most_buffers_) {
      exhausted_.add();
      return std::nullopt;
    }
    all_.emplace_back(static_cast<std::byte*>(::operator new(buffer_bytes_, kAlignment)));
    free_.reserve(all_.size());
    free_.push_back(all_.back().get());
    made_.add(1);
  }
  std::byte* memory = free_.back();
  free_.pop_back();
  in_use_.add(1);
  return BufferLease(*this, {memory, buffer_bytes_});
}

inline void BufferLease::give_back() noexcept {
  if (pool_ != nullptr) {
    pool_->free_.push_back(bytes_.data());
    pool_->in_use_.add(-1);
    pool_ = nullptr;
    bytes_ = {};
  }
}

}  // namespace sluice
