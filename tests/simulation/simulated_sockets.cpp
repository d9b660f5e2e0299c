// What sockets do with provided buffers, zero-copy sends, and messages of several buffers.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "buffer_guard.hpp"
#include "simulated_ring.hpp"

namespace sluice::testing {
namespace {

[[nodiscard]] bool is_stream(const ObjectPointer& object) noexcept {
  return object != nullptr && object->kind == SimulatedObject::Kind::stream;
}

[[nodiscard]] std::span<const iovec> pieces_of(const Submission& entry) noexcept {
  // Looking at the program's header proves that it is still alive.
  const auto* header = reinterpret_cast<const msghdr*>(entry.address);
  return {header->msg_iov, header->msg_iovlen};
}

[[nodiscard]] bool is_message(Opcode opcode) noexcept {
  return opcode == Opcode::sendmsg || opcode == Opcode::sendmsg_zero_copy;
}

}  // namespace

Bytes bytes_to_send(const Submission& entry) {
  if (!is_message(entry.opcode)) {
    const auto* bytes = reinterpret_cast<const std::byte*>(entry.address);
    return {bytes, bytes + entry.length};
  }
  Bytes all;
  for (const iovec& piece : pieces_of(entry)) {
    const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
    all.insert(all.end(), bytes, bytes + piece.iov_len);
  }
  return all;
}

std::int32_t SimulatedRing::send_bytes(const Pending& operation, const Bytes& bytes,
                                       std::size_t at_most) noexcept {
  if (!is_stream(operation.object)) {
    return -ENOTSOCK;
  }
  const std::size_t count = shorten(std::min(bytes.size(), at_most));
  Bytes& sent = operation.object->sent;
  sent.insert(sent.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<std::int32_t>(count);
}

std::int32_t SimulatedRing::receive_message(const Pending& operation,
                                            std::size_t at_most) noexcept {
  if (!is_stream(operation.object)) {
    return -ENOTSOCK;
  }
  SimulatedObject& stream = *operation.object;
  std::size_t left = shorten(std::min(stream.content.size() - stream.received, at_most));
  std::size_t total = 0;
  for (const iovec& piece : pieces_of(operation.entry)) {
    const std::size_t count = std::min(left, piece.iov_len);
    if (count > 0) {
      std::memcpy(piece.iov_base, stream.content.data() + stream.received, count);
    }
    stream.received += count;
    total += count;
    left -= count;
  }
  return static_cast<std::int32_t>(total);
}

SimulatedRing::Outcome SimulatedRing::send_zero_copy(Pending& operation,
                                                     std::size_t at_most) noexcept {
  operation.lent = bytes_to_send(operation.entry);
  const std::int32_t count = send_bytes(operation, operation.lent, at_most);
  operation.awaits_notification = !random_.chance(options_.skips_notification);
  return {count, operation.awaits_notification ? kCompletionMore : 0};
}

SimulatedRing::Outcome SimulatedRing::notify(Pending& operation) noexcept {
  require(bytes_to_send(operation.entry) == operation.lent,
          "a buffer that is sent without a copy stays as it is until its notification");
  const bool was_copied = random_.chance(options_.copies);
  return {was_copied ? static_cast<std::int32_t>(kNotificationCopied) : 0, kCompletionNotification};
}

std::int32_t SimulatedRing::register_buffer_ring(std::span<ProvidedBuffer> places,
                                                 std::uint16_t group) noexcept {
  if (places.empty() || (places.size() & (places.size() - 1)) != 0 || places.size() > 32768 ||
      reinterpret_cast<std::uintptr_t>(places.data()) % 4096 != 0) {
    return -EINVAL;
  }
  const bool is_new = buffer_groups_.emplace(group, BufferGroup{places, 0, {}}).second;
  return is_new ? 0 : -EEXIST;
}

void SimulatedRing::unregister_buffer_ring(std::uint16_t group) noexcept {
  for (const Pending& operation : pending_) {
    require(
        (operation.entry.flags & kSubmissionBufferSelect) == 0 || operation.entry.buffer != group,
        "provided buffers outlive the operations that take from them");
  }
  for (const ProvidedBuffer& buffer : buffer_groups_.at(group).free) {
    take_back_from_kernel(buffer.address, buffer.length);
  }
  buffer_groups_.erase(group);
}

// The real kernel looks whenever it needs one; here what was put in during a turn counts from its
// enter() on. Until a buffer is taken out again the address sanitizer guards it.
void SimulatedRing::find_provided_buffers() noexcept {
  for (auto& [number, group] : buffer_groups_) {
    const std::uint16_t tail =
        std::atomic_ref(group.places[0].tail).load(std::memory_order_acquire);
    for (; group.seen != tail; ++group.seen) {
      const ProvidedBuffer& buffer = group.places[group.seen & (group.places.size() - 1)];
      for (const ProvidedBuffer& other : group.free) {
        require(other.id != buffer.id && other.address != buffer.address,
                "a buffer is provided again only after it was taken");
      }
      lend_to_kernel(buffer.address, buffer.length);
      group.free.push_back(buffer);
    }
    require(group.free.size() <= group.places.size(),
            "a ring of buffers holds what it has room for");
  }
}

SimulatedRing::Outcome SimulatedRing::receive_provided(Pending& operation,
                                                       std::size_t at_most) noexcept {
  if (!is_stream(operation.object)) {
    return {-ENOTSOCK, 0};
  }
  SimulatedObject& stream = *operation.object;
  const std::size_t there = stream.content.size() - stream.received;
  const auto group = buffer_groups_.find(operation.entry.buffer);
  if (group == buffer_groups_.end() || operation.seeks_early ||
      (there > 0 && group->second.free.empty())) {
    return {-ENOBUFS, 0};
  }
  if (there == 0) {
    return {stream.is_finished ? 0 : -ECANCELED, 0};
  }
  auto& free = group->second.free;
  const ProvidedBuffer buffer = free.front();
  free.pop_front();
  take_back_from_kernel(buffer.address, buffer.length);
  const std::size_t count = shorten(std::min({there, std::size_t{buffer.length}, at_most}));
  std::memcpy(reinterpret_cast<void*>(buffer.address), stream.content.data() + stream.received,
              count);
  stream.received += count;
  const bool goes_on = (operation.entry.priority & kReceiveMultishot) != 0 &&
                       !operation.is_interrupted && !random_.chance(options_.multishot_ends);
  operation.seeks_early = goes_on && free.empty() && random_.chance(options_.seeks_early);
  return {static_cast<std::int32_t>(count),
          kCompletionBuffer | (std::uint32_t{buffer.id} << kCompletionBufferShift) |
              (goes_on ? kCompletionMore : 0)};
}

std::int32_t SimulatedRing::poll_at_once(const Submission& entry) const noexcept {
  const ObjectPointer object = store_.find(entry.fd).object;
  const bool is_ready =
      is_stream(object) && (object->received < object->content.size() || object->is_finished);
  return is_ready ? POLLIN : -EAGAIN;
}

}  // namespace sluice::testing
