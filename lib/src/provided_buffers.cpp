#include <sluice/provided_buffers.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>

#include <sluice/detail/invariant.hpp>
#include <sluice/receive_stream.hpp>

namespace sluice {
namespace {

constexpr std::uint32_t kMostBuffers = 32768;
// Of one reactor. A limit on what somebody who makes pools in a loop can take.
constexpr std::uint16_t kMostGroups = 64;

std::size_t whole_pages(std::size_t bytes, std::size_t page_bytes) noexcept {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

}  // namespace

ProvidedBuffers::ProvidedBuffers(Reactor& reactor, std::uint32_t count,
                                 const ProvidedBuffersOptions& options)
    : reactor_(reactor),
      buffer_bytes_(std::max(options.buffer_bytes, 1U)),
      filled_(count),
      exhausted_besides_(options.exhausted) {
  const std::size_t ring_bytes = whole_pages(count * sizeof(ProvidedBuffer), kPageBytes);
  memory_.reset(static_cast<std::byte*>(::operator new(
      ring_bytes + std::size_t{count} * buffer_bytes_, std::align_val_t{kPageBytes})));
  auto* places = reinterpret_cast<ProvidedBuffer*>(memory_.get());
  std::uninitialized_value_construct_n(places, count);
  places_ = {places, count};
  buffers_begin_ = memory_.get() + ring_bytes;
}

Result<std::unique_ptr<ProvidedBuffers>> ProvidedBuffers::create(
    Reactor& reactor, const ProvidedBuffersOptions& options) {
  const std::uint32_t count = std::bit_ceil(std::clamp(options.count, 1U, kMostBuffers));
  std::unique_ptr<ProvidedBuffers> made(new ProvidedBuffers(reactor, count, options));
  std::int32_t answer = reactor.ring().register_buffer_ring(made->places_, made->group_);
  while (answer == -EEXIST && ++made->group_ < kMostGroups) {
    answer = reactor.ring().register_buffer_ring(made->places_, made->group_);
  }
  if (answer != 0) {
    return failure(answer == -EEXIST ? EMFILE : -answer);
  }
  made->is_registered_ = true;
  for (std::uint32_t id = 0; id < count; ++id) {
    made->provide(static_cast<std::uint16_t>(id));
  }
  return made;
}

ProvidedBuffers::~ProvidedBuffers() {
  detail::invariant(streams_ == 0 && in_use_.value() == 0,
                    "ProvidedBuffers outlive the streams and the bytes received into them");
  if (is_registered_) {
    reactor_.ring().unregister_buffer_ring(group_);
  }
}

void ProvidedBuffers::provide(std::uint16_t id) noexcept {
  ProvidedBuffer& place = places_[tail_ & (places_.size() - 1)];
  // Field by field: the tail that lies in the first place is the kernel's to read at any time.
  place.address = reinterpret_cast<std::uint64_t>(memory_of(id, 0).data());
  place.length = buffer_bytes_;
  place.id = id;
  ++tail_;
  std::atomic_ref(places_[0].tail).store(tail_, std::memory_order_release);
}

void ProvidedBuffers::taken(std::uint16_t id, std::uint32_t length) noexcept {
  filled_[id].length = length;
  in_use_.add(1);
}

void ProvidedBuffers::give_back(std::uint16_t id) noexcept {
  provide(id);
  in_use_.add(-1);
  feed_starved();
}

void ProvidedBuffers::starve(Starved& place) noexcept {
  exhausted_.add();
  if (exhausted_besides_ != nullptr) {
    exhausted_besides_->add();
  }
  starved_.push_back(place);
  // What came back between the kernel's answer and now is there for it already.
  feed_starved();
}

void ProvidedBuffers::promise_ended() noexcept {
  --promised_;
  feed_starved();
}

// The arming reaches the kernel at the end of the turn. A buffer is promised only to a stream that
// will answer at once. One whose socket is not readable stands in line because it took the last
// buffer and the kernel looked for another too early; it just goes on waiting for bytes, and the
// buffer is for the next in line.
void ProvidedBuffers::feed_starved() noexcept {
  while (promised_ < free()) {
    Starved* next = starved_.pop_front();
    if (next == nullptr) {
      return;
    }
    if (next->stream.arm() && next->stream.is_readable()) {
      ++promised_;
      next->stream.is_promised_ = true;
    }
  }
}

}  // namespace sluice
