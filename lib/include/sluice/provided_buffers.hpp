#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <sluice/detail/api.hpp>
#include <sluice/detail/intrusive_list.hpp>
#include <sluice/metrics.hpp>
#include <sluice/reactor.hpp>
#include <sluice/result.hpp>

namespace sluice {

class ProvidedBuffers;
class ReceiveStream;

/// Bytes that a ReceiveStream received, in the buffer that the kernel chose for them. Gives the
/// buffer back when it goes, so keep it no longer than the bytes are needed: others wait for it.
/// Without bytes: the peer has finished sending. The ProvidedBuffers must outlive it.
class [[nodiscard]] ReceivedBytes {
 public:
  ReceivedBytes() noexcept = default;
  ReceivedBytes(ReceivedBytes&& other) noexcept
      : buffers_(std::exchange(other.buffers_, nullptr)),
        id_(other.id_),
        bytes_(std::exchange(other.bytes_, {})) {}
  ReceivedBytes& operator=(ReceivedBytes&& other) noexcept {
    if (this != &other) {
      give_back();
      buffers_ = std::exchange(other.buffers_, nullptr);
      id_ = other.id_;
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  ~ReceivedBytes() { give_back(); }

  /// The bytes are the caller's to change, too.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Whether there is nothing in it.
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  /// Gives the buffer back early; then there are no bytes.
  void give_back() noexcept;

 private:
  friend class ReceiveStream;
  ReceivedBytes(ProvidedBuffers& buffers, std::uint16_t id, std::span<std::byte> bytes) noexcept
      : buffers_(&buffers), id_(id), bytes_(bytes) {}
  ProvidedBuffers* buffers_ = nullptr;
  std::uint16_t id_ = 0;
  std::span<std::byte> bytes_;
};

/// How many buffers there are, and how large.
struct ProvidedBuffersOptions {
  /// Rounded up to a power of two, from 1 to 32768 (io_uring_register(2)).
  std::uint32_t count = 256;
  /// The most bytes of one receive; at least 1. A buffer may come back less than full with more
  /// bytes behind it.
  std::uint32_t buffer_bytes = 4096;
  /// Counted up, if given, whenever exhausted() is; several pools of a shard may share one. It must
  /// outlive the pool.
  Counter* exhausted = nullptr;
};

/// Memory that the kernel receives into as bytes arrive, so that a connection that is idle holds no
/// buffer: one such pool for each shard, shared by its ReceiveStreams.
///
///   [kernel's ring] --bytes arrive--> [a stream's queue] --next()--> ReceivedBytes
///         ^                                                               |
///         +---------------------------- give back ------------------------+
///
/// When the ring is empty the kernel ends a receive with ENOBUFS. That is flow control and no
/// error: the bytes stay in the socket, the stream stands in line here, and is armed again as soon
/// as a buffer is there for it, in the turn in which that came back. No timer, no spinning.
///
/// A ring of provided buffers (IORING_REGISTER_PBUF_RING) needs Linux 5.19, which is below the
/// floor of the runtime, so there is no fall-back here; Socket::receive() does without. Belongs to
/// one shard.
class SLUICE_API ProvidedBuffers {
 public:
  /// Allocates the buffers and hands them to the reactor's kernel. The reactor must outlive them.
  /// EINVAL: a kernel that has no such rings; ENOMEM; EMFILE: the reactor has 64 of them already.
  [[nodiscard]] static Result<std::unique_ptr<ProvidedBuffers>> create(
      Reactor& reactor, const ProvidedBuffersOptions& options = {});
  ProvidedBuffers(const ProvidedBuffers&) = delete;
  ProvidedBuffers& operator=(const ProvidedBuffers&) = delete;
  /// Aborts while a stream or received bytes of it exist: the kernel, or somebody's span, would be
  /// left with freed memory.
  ~ProvidedBuffers();

  /// How many buffers there are.
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(places_.size());
  }
  /// How large each is.
  [[nodiscard]] std::uint32_t buffer_bytes() const noexcept { return buffer_bytes_; }
  /// Buffers that hold bytes, waiting in a stream or in ReceivedBytes.
  [[nodiscard]] const Gauge& in_use() const noexcept { return in_use_; }
  /// How often a stream had to wait for a buffer.
  [[nodiscard]] const Counter& exhausted() const noexcept { return exhausted_; }

 private:
  friend class ReceivedBytes;
  friend class ReceiveStream;
  // What is known of a buffer that holds bytes; by its id.
  struct Filled {
    std::uint32_t length = 0;
    std::uint16_t next = 0;  // in the queue of its stream
  };
  // The place of a stream among those that wait for a buffer.
  struct Starved : detail::ListNode {
    explicit Starved(ReceiveStream& waiting) noexcept : stream(waiting) {}
    ReceiveStream& stream;
  };
  struct Release {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete(memory, std::align_val_t{kPageBytes});
    }
  };
  static constexpr std::size_t kPageBytes = 4096;

  ProvidedBuffers(Reactor& reactor, std::uint32_t count, const ProvidedBuffersOptions& options);

  [[nodiscard]] std::span<std::byte> memory_of(std::uint16_t id, std::size_t length) noexcept {
    return {buffers_begin_ + std::size_t{id} * buffer_bytes_, length};
  }
  // Puts a buffer at the end of the kernel's ring.
  void provide(std::uint16_t id) noexcept;
  // The kernel has filled a buffer.
  void taken(std::uint16_t id, std::uint32_t length) noexcept;
  void give_back(std::uint16_t id) noexcept;
  void starve(Starved& place) noexcept;
  // A stream that was armed out of the line has had its turn, whatever came of it.
  void promise_ended() noexcept;
  void feed_starved() noexcept;
  [[nodiscard]] std::size_t free() const noexcept {
    return places_.size() - static_cast<std::size_t>(in_use_.value());
  }

  Reactor& reactor_;
  std::uint32_t buffer_bytes_;
  std::unique_ptr<std::byte, Release> memory_;  // the ring's pages, then the buffers
  std::span<ProvidedBuffer> places_;
  std::byte* buffers_begin_;
  std::vector<Filled> filled_;
  std::uint16_t tail_ = 0;
  std::uint16_t group_ = 0;
  bool is_registered_ = false;
  std::size_t streams_ = 0;
  detail::IntrusiveList<Starved> starved_;
  // Buffers that are meant for streams armed out of the line and not heard of since. One stream is
  // armed for each free buffer and no more: arming all at once would end all but one in ENOBUFS.
  std::size_t promised_ = 0;
  Gauge in_use_;
  Counter exhausted_;
  Counter* exhausted_besides_;
};

inline void ReceivedBytes::give_back() noexcept {
  if (ProvidedBuffers* buffers = std::exchange(buffers_, nullptr); buffers != nullptr) {
    bytes_ = {};
    buffers->give_back(id_);
  }
}

}  // namespace sluice
