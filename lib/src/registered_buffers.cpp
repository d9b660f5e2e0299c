#include <sluice/registered_buffers.hpp>

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include <sluice/detail/invariant.hpp>

namespace sluice {

int RegisteredSpan::refusal(const Ring& ring) const noexcept { return ring_ == &ring ? 0 : EFAULT; }

RegisteredSpan RegisteredLease::span() const noexcept {
  return set_ != nullptr ? RegisteredSpan(&set_->ring_, index_, set_->buffer(index_))
                         : RegisteredSpan(nullptr, 0, {});
}

void RegisteredLease::give_back() noexcept {
  if (set_ != nullptr) {
    set_->free_.push_back(index_);
    set_->in_use_.add(-1);
    set_ = nullptr;
  }
}

RegisteredBuffers::RegisteredBuffers(Ring& ring, std::size_t buffer_bytes, std::size_t count)
    : ring_(ring), buffer_bytes_(buffer_bytes), count_(count) {}

int RegisteredBuffers::register_all() noexcept {
  // The memory may be refused too: both mean that there is not enough of it.
  memory_.reset(
      static_cast<std::byte*>(::operator new(buffer_bytes_ * count_, kAlignment, std::nothrow)));
  if (memory_ == nullptr) {
    return -ENOMEM;
  }
  std::vector<iovec> pieces;
  pieces.reserve(count_);
  free_.reserve(count_);
  for (std::size_t index = 0; index < count_; ++index) {
    pieces.push_back({buffer(index).data(), buffer_bytes_});
    free_.push_back(static_cast<std::uint16_t>(count_ - 1 - index));  // the first is taken first
  }
  const int result = ring_.register_buffers(pieces);
  is_registered_ = result >= 0;
  return result;
}

std::expected<std::unique_ptr<RegisteredBuffers>, SetupError> RegisteredBuffers::create(
    Ring& ring, std::size_t buffer_bytes, std::size_t count) {
  int error = -EINVAL;
  // The bounds come first, so that the product of the two cannot overflow.
  if (buffer_bytes > 0 && buffer_bytes <= kLargestBuffer && count > 0 && count <= kMostBuffers) {
    buffer_bytes = (buffer_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    std::unique_ptr<RegisteredBuffers> set(new RegisteredBuffers(ring, buffer_bytes, count));
    error = set->register_all();
    if (error >= 0) {
      return set;
    }
  }
  SetupEnvironment environment = current_environment();
  environment.ring_bytes = error == -EINVAL ? 0 : buffer_bytes * count;
  return std::unexpected(explain_buffer_failure(-error, environment));
}

RegisteredBuffers::~RegisteredBuffers() {
  detail::invariant(in_use_.value() == 0, "a RegisteredBuffers outlives the leases of its buffers");
  if (is_registered_) {
    ring_.unregister_buffers();
  }
}

std::optional<RegisteredLease> RegisteredBuffers::take() noexcept {
  if (free_.empty()) {
    exhausted_.add();
    return std::nullopt;
  }
  const std::uint16_t index = free_.back();
  free_.pop_back();
  in_use_.add(1);
  return RegisteredLease(*this, index);
}

}  // namespace sluice
