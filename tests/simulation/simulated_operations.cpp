// What the operations of the simulated kernel do, and what becomes of cancels.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

#include "buffer_guard.hpp"
#include "memory_pieces.hpp"
#include "simulated_ring.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

[[nodiscard]] std::byte* buffer_of(const Submission& entry) noexcept {
  return reinterpret_cast<std::byte*>(entry.address);
}

[[nodiscard]] bool is_stream(const ObjectPointer& object) noexcept {
  return object != nullptr && object->kind == SimulatedObject::Kind::stream;
}

[[nodiscard]] bool has_something_to_receive(const SimulatedObject& stream) noexcept {
  return stream.received < stream.content.size() || stream.is_finished;
}

// Of a real descriptor, such as the eventfd that wakes a reactor.
[[nodiscard]] bool is_readable(int fd) noexcept {
  pollfd question{fd, POLLIN, 0};
  return ::poll(&question, 1, 0) != 0;
}

}  // namespace

bool SimulatedRing::would_not_wait(const Pending& operation) const noexcept {
  if (operation.is_bad_descriptor || operation.awaits_notification || operation.seeks_early) {
    return true;
  }
  const SimulatedObject* object = operation.object.get();
  switch (operation.entry.opcode) {
    case Opcode::accept:
      return object == nullptr || object->kind != SimulatedObject::Kind::listener ||
             !object->backlog.empty();
    case Opcode::read:
    case Opcode::receive:
    case Opcode::recvmsg:
      if (object == nullptr) {
        return is_readable(operation.entry.fd);
      }
      return !is_stream(operation.object) || has_something_to_receive(*object);
    case Opcode::poll_add:
      return (operation.entry.operation_flags & POLLOUT) != 0 || !is_stream(operation.object) ||
             has_something_to_receive(*object);
    default:
      return true;
  }
}

bool SimulatedRing::is_ready(const Pending& operation) const noexcept {
  const auto planned = planned_.find(operation.entry.opcode);
  const bool is_planned_to_fail =
      planned != planned_.end() && !planned->second.empty() && planned->second.front() < 0;
  return is_planned_to_fail || operation.is_interrupted || would_not_wait(operation);
}

std::optional<std::int32_t> SimulatedRing::take_planned(Opcode opcode) noexcept {
  const auto planned = planned_.find(opcode);
  if (planned == planned_.end() || planned->second.empty()) {
    return std::nullopt;
  }
  const std::int32_t result = planned->second.front();
  planned->second.pop_front();
  return result;
}

int SimulatedRing::error_to_inject(Opcode opcode) noexcept {
  const std::uint64_t number = finals_posted_ + 1;
  if (options_.fault_at != 0 &&
      (number == options_.fault_at || (options_.fault_stays && number > options_.fault_at))) {
    return options_.fault_errno;
  }
  for (const InjectedError& error : options_.errors) {
    if (error.opcode == opcode && random_.chance(error.chance)) {
      return error.errno_value;
    }
  }
  return 0;
}

void SimulatedRing::take_back_buffer(const Pending& operation) const noexcept {
  if (fills_buffer(operation.entry)) {
    for (const iovec& piece : operation.pieces) {
      take_back_from_kernel(reinterpret_cast<std::uint64_t>(piece.iov_base), piece.iov_len);
    }
  }
}

SimulatedRing::Outcome SimulatedRing::fail(Pending& operation, int error) noexcept {
  if (operation.entry.opcode == Opcode::close) {
    static_cast<void>(close(operation.entry));  // it reports the error, and closes all the same
  }
  if (is_zero_copy(operation.entry.opcode) && random_.chance(options_.notifies_error)) {
    operation.lent = bytes_to_send(operation.entry);
    operation.awaits_notification = true;
    return {-error, kCompletionMore};
  }
  return {-error, 0};
}

SimulatedRing::Outcome SimulatedRing::perform(Pending& operation) noexcept {
  if (operation.awaits_notification) {
    return notify(operation);
  }
  if (operation.is_bad_descriptor) {
    return {-EBADF, 0};
  }
  std::size_t at_most = kNoLimit;
  if (const auto planned = take_planned(operation.entry.opcode)) {
    if (*planned < 0) {
      return fail(operation, -*planned);
    }
    at_most = static_cast<std::size_t>(*planned);
  } else if (const int error = error_to_inject(operation.entry.opcode); error != 0) {
    return fail(operation, error);
  }
  if (operation.is_interrupted && (!would_not_wait(operation) || random_.chance(0.5))) {
    return {-ECANCELED, 0};
  }
  take_back_buffer(operation);
  return work(operation, at_most);
}

SimulatedRing::Outcome SimulatedRing::perform_as_told(Pending& operation,
                                                      Outcome outcome) noexcept {
  take_back_buffer(operation);
  const Opcode opcode = operation.entry.opcode;
  const auto count = static_cast<std::size_t>(std::max(outcome.result, 0));
  if (count > 0 && takes_provided_buffer(operation.entry)) {
    const Outcome received = receive_provided(operation, count);
    return {received.result, (received.flags & ~kCompletionMore) | outcome.flags};
  }
  if (count > 0 && (fills_buffer(operation.entry) || empties_buffer(opcode))) {
    require(count <= total_bytes(operation.pieces),
            "a test answers no more bytes than were asked for");
    if (fills_buffer(operation.entry)) {
      scatter(Bytes(count), operation.pieces);
    }
    if (operation.object != nullptr) {
      static_cast<void>(work(operation, count));
    }
  }
  return outcome;
}

SimulatedRing::Outcome SimulatedRing::work(Pending& operation, std::size_t at_most) noexcept {
  const Submission& entry = operation.entry;
  switch (entry.opcode) {
    case Opcode::nop:
    case Opcode::fsync:
    case Opcode::fadvise:
    case Opcode::connect:
    case Opcode::shutdown:
      return {0, 0};
    case Opcode::read:
      return {
          is_stream(operation.object) ? receive(operation, at_most) : read_file(operation, at_most),
          0};
    case Opcode::receive:
      if (takes_provided_buffer(entry)) {
        return receive_provided(operation, at_most);
      }
      return {receive(operation, at_most), 0};
    case Opcode::recvmsg:
      return {receive_message(operation, at_most), 0};
    case Opcode::write:
    case Opcode::writev:
      return {write_file(operation, at_most), 0};
    case Opcode::readv:
      return {read_file(operation, at_most), 0};
    case Opcode::read_fixed:
      return {is_in_registered_buffer(entry) ? read_file(operation, at_most) : -EFAULT, 0};
    case Opcode::write_fixed:
      return {is_in_registered_buffer(entry) ? write_file(operation, at_most) : -EFAULT, 0};
    case Opcode::fallocate:
      return {allocate(operation), 0};
    case Opcode::ftruncate:
      return {truncate(operation), 0};
    case Opcode::renameat:
    case Opcode::unlinkat:
    case Opcode::linkat:
    case Opcode::mkdirat:
      return {change_names(entry), 0};
    case Opcode::statx:
      return {tell_status(entry), 0};
    case Opcode::send:
    case Opcode::sendmsg:
      return {send(operation, at_most), 0};
    case Opcode::send_zero_copy:
    case Opcode::sendmsg_zero_copy:
      return send_zero_copy(operation, at_most);
    case Opcode::accept:
      return accept(operation);
    case Opcode::openat2:
      return {entry.file_index == kDirectDescriptorAny ? open_direct(entry) : open_name(entry), 0};
    case Opcode::close:
      return {close(entry), 0};
    case Opcode::socket:
      return {install(SimulatedStore::make_stream({}, true)), 0};
    case Opcode::poll_add:
      return {static_cast<std::int32_t>(entry.operation_flags), 0};
    default:
      return {-EINVAL, 0};
  }
}

std::size_t SimulatedRing::shorten(std::size_t count) noexcept {
  return count > 1 && random_.chance(options_.short_transfer) ? random_.between(1, count - 1)
                                                              : count;
}

std::int32_t SimulatedRing::receive(const Pending& operation, std::size_t at_most) noexcept {
  if (!is_stream(operation.object)) {
    return -ENOTSOCK;
  }
  SimulatedObject& stream = *operation.object;
  const std::size_t there = stream.content.size() - stream.received;
  const std::size_t count =
      shorten(std::min({there, std::size_t{operation.entry.length}, at_most}));
  if (count > 0) {
    std::memcpy(buffer_of(operation.entry), stream.content.data() + stream.received, count);
  }
  stream.received += count;
  return static_cast<std::int32_t>(count);
}

std::int32_t SimulatedRing::send(const Pending& operation, std::size_t at_most) noexcept {
  return send_bytes(operation, bytes_to_send(operation.entry), at_most);
}

SimulatedRing::Outcome SimulatedRing::accept(const Pending& operation) noexcept {
  if (operation.object == nullptr || operation.object->kind != SimulatedObject::Kind::listener) {
    return {-ENOTSOCK, 0};
  }
  auto& backlog = operation.object->backlog;
  if (backlog.empty()) {
    return {-ECANCELED, 0};  // interrupted while it waited
  }
  const bool is_direct = operation.entry.file_index == kDirectDescriptorAny;
  if (is_direct && (operation.entry.operation_flags & SOCK_CLOEXEC) != 0) {
    return {-EINVAL, 0};
  }
  ObjectPointer connection = std::move(backlog.front());
  backlog.pop_front();
  const std::int32_t result =
      is_direct ? install(std::move(connection)) : store_.open(std::move(connection)).release();
  if (result < 0) {
    ++connections_dropped_;
    return {result, 0};
  }
  // It ends with the completion that has no room in the queue any more.
  const bool goes_on = (operation.entry.priority & kAcceptMultishot) != 0 &&
                       !operation.is_interrupted && has_room_for_completion() &&
                       !random_.chance(options_.multishot_ends);
  return {result, goes_on ? kCompletionMore : 0};
}

std::int32_t SimulatedRing::send_file(const Submission& entry) noexcept {
  const ObjectPointer stream = store_.find(entry.fd).object;
  const ObjectPointer file = store_.find(entry.file_index).object;
  if (!is_stream(stream) || file == nullptr) {
    return -EBADF;
  }
  const std::size_t there =
      file->content.size() - std::min<std::size_t>(entry.offset, file->content.size());
  const std::size_t count = shorten(std::min(there, std::size_t{entry.length}));
  const auto from = file->content.begin() + static_cast<std::ptrdiff_t>(entry.offset);
  stream->sent.insert(stream->sent.end(), from, from + static_cast<std::ptrdiff_t>(count));
  return static_cast<std::int32_t>(count);
}

std::int32_t SimulatedRing::attempt(const Submission& entry) noexcept {
  if ((entry.flags & kSubmissionFixedFile) != 0) {
    return -EAGAIN;
  }
  if (entry.opcode == Opcode::poll_add) {
    return poll_at_once(entry);
  }
  if (!random_.chance(options_.attempt_succeeds)) {
    return -EAGAIN;
  }
  switch (entry.opcode) {
    case Opcode::send_file:
      return send_file(entry);
    case Opcode::openat2:
      return open_name(entry);
    case Opcode::read:
    case Opcode::send: {
      Pending operation;
      operation.entry = entry;
      operation.pieces = {{buffer_of(entry), entry.length}};
      operation.object = store_.find(entry.fd).object;
      return operation.object == nullptr || !would_not_wait(operation)
                 ? -EAGAIN
                 : work(operation, kNoLimit).result;
    }
    default:
      return -EAGAIN;
  }
}

CancelAnswer SimulatedRing::decide_cancel(const Pending& target) noexcept {
  if (target.awaits_notification || target.entry.opcode == Opcode::close) {
    return CancelAnswer::running;
  }
  if (cancel_answer_.has_value()) {
    return *cancel_answer_;
  }
  if (!options_.is_scripted && !target.is_bad_descriptor && would_not_wait(target) &&
      random_.chance(options_.cancel_not_found)) {
    return CancelAnswer::not_found;
  }
  return random_.chance(options_.cancel_running) ? CancelAnswer::running : CancelAnswer::cancelled;
}

void SimulatedRing::cancel(const Submission& entry) noexcept {
  Pending* target = find(entry.address);
  if (target == nullptr) {
    answer_cancel(entry, -ENOENT);
    return;
  }
  const std::uint64_t user_data = entry.address;
  const bool answers_first = random_.chance(0.5);
  switch (decide_cancel(*target)) {
    case CancelAnswer::cancelled:
      finish(user_data, {-ECANCELED, 0});
      answer_cancel(entry, 0);
      return;
    case CancelAnswer::running:
      answer_cancel(entry, -EALREADY);
      if (!options_.is_scripted) {
        target->is_interrupted =
            !target->awaits_notification && target->entry.opcode != Opcode::close;
        target->due = pick_due();
      }
      return;
    case CancelAnswer::not_found:
      if (answers_first) {
        answer_cancel(entry, -ENOENT);
      }
      if (!options_.is_scripted) {
        target->is_interrupted = true;  // a multishot operation ends with this result
        take_back_buffer(*target);
        finish(user_data, work(*target, kNoLimit));
      }
      if (!answers_first) {
        answer_cancel(entry, -ENOENT);
      }
      return;
  }
}

void SimulatedRing::answer_cancel(const Submission& entry, std::int32_t result) noexcept {
  if (result != 0 || (entry.flags & kSubmissionSkipSuccess) == 0) {
    post({entry.user_data, result, 0});
  }
}

}  // namespace sluice::testing
