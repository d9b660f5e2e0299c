#include <sluice/receive_stream.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sluice/detail/invariant.hpp>
#include <sluice/socket_requests.hpp>

namespace sluice {
namespace {

// From when on bytes are believed to come when they are waited for.
constexpr std::uint8_t kTrustedAfter = 4;

}  // namespace

/// Suspends a closing coroutine until the receive has ended. Several may close at once.
class ReceiveStream::DrainAwaiter : public detail::ListNode {
 public:
  explicit DrainAwaiter(ReceiveStream& stream) noexcept : stream_(stream) {}
  [[nodiscard]] bool await_ready() const noexcept { return !stream_.armed_; }
  template <detail::RuntimePromise Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    promise = &handle.promise();
    stream_.closers_.push_back(*this);
  }
  void await_resume() const noexcept {}

  detail::PromiseBase* promise = nullptr;

 private:
  ReceiveStream& stream_;
};

ReceiveStream::ReceiveStream(Executor& executor, const Socket& socket, ProvidedBuffers& buffers,
                             ReceiveStreamOptions options) noexcept
    : executor_(executor),
      socket_(socket),
      own_buffers_(buffers),
      multishot_buffers_(options.multishot ? nullptr : options.multishot_buffers),
      buffers_(&buffers),
      most_waiting_(std::max(options.most_waiting, 1U)),
      is_multishot_(options.multishot) {
  ++own_buffers_.streams_;
  if (multishot_buffers_ != nullptr) {
    ++multishot_buffers_->streams_;
  }
  is_unix_ = is_multishot_ && socket_.family() == AF_UNIX;
}

ReceiveStream::~ReceiveStream() {
  detail::invariant(!armed_ && waiter_.empty(),
                    "a ReceiveStream is closed, and its close awaited, before it is destroyed");
  starved_.unlink();
  while (waiting_ > 0) {
    static_cast<void>(take());
  }
  --own_buffers_.streams_;
  if (multishot_buffers_ != nullptr) {
    --multishot_buffers_->streams_;
  }
}

ReceiveStream::NextAwaiter ReceiveStream::next() noexcept { return NextAwaiter(*this); }
ReceiveStream::NextAwaiter ReceiveStream::next(CancelScope& scope) noexcept {
  return NextAwaiter(*this, &scope);
}

bool ReceiveStream::NextAwaiter::wait() noexcept {
  if (stream_.waiting_ > 0 || stream_.is_done()) {
    return false;
  }
  detail::invariant(stream_.waiter_.empty(), "one coroutine at a time waits for a ReceiveStream");
  stream_.waiter_.push_back(*this);
  stream_.look_for_missed_end();
  stream_.arm_if_wanted();
  return true;
}

Result<std::size_t> ReceiveStream::try_receive(std::span<std::byte> buffer) noexcept {
  if (armed_ || waiting_ > 0) {
    return failure(EAGAIN);
  }
  if (is_done()) {
    return error_ == 0 && ended_ ? Result<std::size_t>(0)
                                 : failure(error_ != 0 ? error_ : ECANCELED);
  }
  ReceiveRequest request(socket_.descriptor(), buffer);
  const std::int32_t result = executor_.reactor().attempt(request.prepare());
  if (result == 0) {
    ended_ = true;
  } else if (result < 0 && result != -EAGAIN) {
    note_error(-result);
  }
  return count_or_error(result);
}

Task<void> ReceiveStream::close() {
  begin_close();
  co_await DrainAwaiter(*this);
}

void ReceiveStream::begin_close() noexcept {
  executor_.expect_its_thread();
  closed_ = true;
  starved_.unlink();
  if (armed_) {
    executor_.reactor().cancel(id_);
  }
  waiter_.grant_front();
}

Result<ReceivedBytes> ReceiveStream::take() noexcept {
  if (waiting_ > 0) {
    const std::uint16_t id = first_;
    const ProvidedBuffers::Filled& filled = buffers_->filled_[id];
    first_ = filled.next;
    --waiting_;
    return ReceivedBytes(*buffers_, id, buffers_->memory_of(id, filled.length));
  }
  if (const int error = std::exchange(passing_error_, 0); error != 0) {
    return failure(error);
  }
  if (error_ != 0) {
    return failure(error_);
  }
  if (ended_) {
    return ReceivedBytes();
  }
  return failure(ECANCELED);
}

void ReceiveStream::arm_if_wanted() noexcept {
  if (armed_ || is_done() || waiter_.empty() || starved_.is_linked()) {
    return;
  }
  if (std::exchange(out_of_buffers_, false) && buffers_ == &own_buffers_) {
    own_buffers_.starve(starved_);
  } else {
    static_cast<void>(arm());
  }
}

// Nothing waits here and nothing is armed, so that no buffer of the other pool is left.
void ReceiveStream::choose_buffers() noexcept {
  buffers_ = &own_buffers_;
  if (multishot_buffers_ == nullptr || awaited_in_a_row_ < kTrustedAfter ||
      multishot_buffers_->free() == 0) {
    return;  // before the kernel is asked for the family, so that an empty pool costs no more
  }
  if (socket_.family() == AF_UNIX) {
    --std::exchange(multishot_buffers_, nullptr)->streams_;
  } else {
    buffers_ = multishot_buffers_;
  }
}

bool ReceiveStream::arm() noexcept {
  error_ = socket_.descriptor().refusal(executor_.reactor().ring());
  if (error_ != 0) {
    waiter_.grant_front();
    return false;
  }
  choose_buffers();
  Submission entry;
  entry.opcode = Opcode::receive;
  entry.fd = socket_.descriptor().number();
  entry.flags = kSubmissionBufferSelect | socket_.descriptor().submission_flags();
  // Polled first, so that a buffer is looked for only when there is something to put into it.
  entry.priority = static_cast<std::uint16_t>(kPollFirst | (goes_on() ? kReceiveMultishot : 0));
  entry.buffer = buffers_->group_;
  const auto id = executor_.reactor().register_operation(*this, entry);
  if (!id) {
    passing_error_ = id.error().value();
    waiter_.grant_front();
    return false;
  }
  id_ = *id;
  armed_ = true;
  return true;
}

bool ReceiveStream::is_readable() const noexcept {
  Submission question;
  question.opcode = Opcode::poll_add;
  question.fd = socket_.fd();
  question.operation_flags = POLLIN;
  return executor_.reactor().attempt(question) > 0;
}

// A multishot receive that has emptied a unix socket goes to sleep even if the peer has finished by
// then, and what would have woken it is over: seen on Linux 6.18, where the count of unread bytes
// says 0. (Of TCP it says 1 once the end is there.) So each time that the socket was emptied,
// before anybody waits for more, it is asked once; and the receive, if it missed something, armed
// afresh. A direct descriptor cannot be asked, and so is taken to have.
void ReceiveStream::look_for_missed_end() noexcept {
  if (std::exchange(may_have_missed_end_, false) && armed_ &&
      (socket_.descriptor().is_direct() || is_readable())) {
    executor_.reactor().cancel(id_);
  }
}

void ReceiveStream::wake(Completion completion) noexcept {
  if (completion.is_final()) {
    armed_ = false;
  }
  may_have_missed_end_ = is_unix_ && (completion.flags & kCompletionNonempty) == 0;
  const bool is_awaited = !waiter_.empty();
  if ((completion.flags & kCompletionBuffer) != 0) {
    keep(static_cast<std::uint16_t>(completion.flags >> kCompletionBufferShift),
         static_cast<std::uint32_t>(std::max(completion.result, 0)));
  }
  if (completion.result == 0) {
    ended_ = true;
  } else if (completion.result < 0) {
    note_error(-completion.result);
  }
  if (waiting_ > 0 || is_done()) {
    waiter_.grant_front();
  }
  if (!is_awaited || completion.result <= 0) {
    awaited_in_a_row_ = 0;
  } else if (awaited_in_a_row_ < kTrustedAfter) {
    ++awaited_in_a_row_;
  }
  // Last, as it may arm other streams, or this one.
  if (std::exchange(is_promised_, false)) {
    own_buffers_.promise_ended();
  }
  if (armed_) {
    if (is_multishot_ ? waiting_ >= most_waiting_ : !is_awaited) {
      executor_.reactor().cancel(id_);  // until somebody takes what is here
    }
    return;
  }
  while (DrainAwaiter* closer = closers_.pop_front()) {
    executor_.make_ready(*closer->promise);
  }
  arm_if_wanted();
}

void ReceiveStream::keep(std::uint16_t id, std::uint32_t length) noexcept {
  buffers_->taken(id, length);
  if (length == 0) {
    buffers_->give_back(id);  // chosen, and then there was nothing to put into it
    return;
  }
  (waiting_ == 0 ? first_ : buffers_->filled_[last_].next) = id;
  last_ = id;
  ++waiting_;
}

void ReceiveStream::note_error(int error) noexcept {
  switch (error) {
    case ECANCELED:  // asked for by close(), or because too much waits here
    case EINTR:
      break;
    case ENOBUFS:
      out_of_buffers_ = true;
      break;
    default:
      error_ = error;
      break;
  }
}

}  // namespace sluice
