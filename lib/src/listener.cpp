#include <sluice/listener.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>

#include <sluice/detail/invariant.hpp>

#include "accept_queue.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstBackOff = 10ms;
constexpr Duration kLongestBackOff = 1s;
// Connections that wait here for a taker; beyond that they wait in the kernel's queue.
constexpr std::size_t kMostWaiting = 128;
// Accepts that are armed at once for direct descriptors, so that many connections are taken in one
// turn.
constexpr unsigned kMostDirectAccepts = 16;

bool is_fatal(int error) noexcept {
  return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EOPNOTSUPP;
}

// Errors of one connection that is gone already; the next may be accepted at once (accept(2)).
bool is_of_one_connection(int error) noexcept { return error == ECONNABORTED || error == EINTR; }

}  // namespace

class Listener::State final : private detail::TimerNode {
  // One accept operation.
  struct Accept final : Waker {
    explicit Accept(State& owner) noexcept : state(owner) {}
    void wake(Completion completion) noexcept override { state.completed(*this, completion); }
    State& state;
    OperationId id;
    bool is_armed = false;
  };

 public:
  State(Executor& executor, UniqueFd fd, DirectFiles* table, Counter* shared_backed_off)
      : backed_off(shared_backed_off != nullptr ? *shared_backed_off : own_backed_off_),
        executor_(executor),
        fd_(std::move(fd)),
        table_(table),
        may_accept_at_once_(table_ == nullptr && (::fcntl(fd_.get(), F_GETFL) & O_NONBLOCK) != 0) {
    if (table_ != nullptr) {
      detail::invariant(&table_->ring() == &executor_.reactor().ring(),
                        "a Listener accepts into the table of its own ring");
      const auto local = SocketAddress::local_of(fd_.get());
      family_ = local ? local->family() : AF_UNSPEC;
    }
    const unsigned count =
        table_ != nullptr ? std::clamp(table_->slots() / 8, 1U, kMostDirectAccepts) : 1;
    while (accepts_.size() < count) {
      accepts_.emplace_back(*this);
    }
    look_at_queue();
  }
  ~State() {
    detail::invariant(armed_ == 0 && waiter_ == nullptr,
                      "a Listener is closed, and its accept awaited, before it is destroyed");
    executor_.disarm(*this);
    while (has_ready()) {
      static_cast<void>(take());  // connections that nobody took are closed
    }
  }

  [[nodiscard]] bool is_done() const noexcept { return closed_ || error_ != 0; }
  // What one turn can bring comes on top of what waits here, until a cancel that is due by then has
  // reached the kernel.
  void set_room(std::size_t room) noexcept {
    one_at_a_time_ = room < most_in_a_turn_ + kMostWaiting + ready_.size();
    if (one_at_a_time_ && (is_multishot_ || armed_ > 1)) {
      cancel_armed();
    }
  }
  [[nodiscard]] Result<Socket> try_accept() noexcept {
    if (has_ready() || is_done()) {
      return take();
    }
    if (armed_ > 0 || !may_accept_at_once_ || !has_visitor()) {
      return failure(EAGAIN);
    }
    const std::int32_t number = executor_.reactor().attempt(accept_entry());
    if (number < 0) {
      return failure(EAGAIN);  // an error that stays will be the ring's answer, too
    }
    accepted.add();
    return own(number);
  }
  void wait(AcceptAwaiter& waiter) noexcept {
    detail::invariant(waiter_ == nullptr, "one coroutine at a time accepts from a Listener");
    waiter_ = &waiter;
    arm_if_needed();
  }
  void forget(AcceptAwaiter& waiter) noexcept {
    if (waiter_ == &waiter) {
      waiter_ = nullptr;
    }
  }
  // All that wait in the kernel's queue, or fill the completion queue.
  void look_at_queue() noexcept {
    const std::size_t completions = executor_.reactor().ring().completion_capacity();
    const std::size_t limit = detail::accept_queue_limit(fd_.get());
    most_in_a_turn_ = limit == 0 ? completions : std::min(limit + 1, completions);
  }
  [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }
  [[nodiscard]] bool is_armed() const noexcept { return armed_ > 0; }
  [[nodiscard]] Result<Socket> take() noexcept {
    if (!ready_.empty()) {
      const int number = ready_.front();
      ready_.pop_front();
      return own(number);
    }
    return failure(error_ != 0 ? error_ : ECANCELED);
  }

  void begin_close() noexcept {
    executor_.expect_its_thread();
    closed_ = true;
    executor_.disarm(*this);
    cancel_armed();
    wake_waiter();
  }
  void end_close() noexcept { fd_.reset(); }

  // Suspends a closing coroutine until the armed accept has ended. Several may close at once.
  struct DrainAwaiter : detail::ListNode {
    explicit DrainAwaiter(State& closing) noexcept : state(closing) {}
    [[nodiscard]] bool await_ready() const noexcept { return state.armed_ == 0; }
    template <detail::RuntimePromise Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      promise = &handle.promise();
      state.closers_.push_back(*this);
    }
    void await_resume() const noexcept {}

    State& state;
    detail::PromiseBase* promise = nullptr;
  };

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  Counter accepted;
  Counter& backed_off;

 private:
  void arm_if_needed() noexcept {
    if (is_done() || TimerNode::is_armed() || ready_.size() >= kMostWaiting) {
      return;
    }
    for (Accept& accept : accepts_) {
      if (one_at_a_time_ && armed_ > 0) {
        return;
      }
      if (!accept.is_armed && !arm(accept)) {
        if (armed_ == 0) {
          back_off();
        }
        return;
      }
    }
  }

  [[nodiscard]] Submission accept_entry() const noexcept {
    Submission entry;
    entry.opcode = Opcode::accept;
    entry.fd = fd_.get();
    if (has_accepted_) {  // what does not listen is never ready: it is told by the first accept
      entry.priority = executor_.reactor().ring().accept_options();
    }
    entry.operation_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    return entry;
  }

  // Cheaper than accept4(2) where nobody is: that makes a socket before it looks.
  [[nodiscard]] bool has_visitor() const noexcept {
    Submission question;
    question.opcode = Opcode::poll_add;
    question.fd = fd_.get();
    question.operation_flags = POLLIN;
    return executor_.reactor().attempt(question) > 0;
  }

  // False when a table is full: the reactor's of operations, or the one of direct descriptors.
  [[nodiscard]] bool arm(Accept& accept) noexcept {
    constexpr std::uint16_t kMultishot = 1;  // IORING_ACCEPT_MULTISHOT
    Submission entry = accept_entry();
    if (table_ == nullptr) {
      is_multishot_ = !one_at_a_time_;
      entry.priority |= is_multishot_ ? kMultishot : 0;
    } else {
      if (!table_->reserve(1)) {
        return false;
      }
      entry.operation_flags = SOCK_NONBLOCK;  // never inherited, and the kernel refuses the bit
      entry.file_index = kDirectDescriptorAny;
    }
    const auto id = executor_.reactor().register_operation(accept, entry);
    if (!id) {
      unreserve();
      return false;
    }
    accept.id = *id;
    accept.is_armed = true;
    ++armed_;
    return true;
  }
  void cancel_armed() noexcept {
    for (const Accept& accept : accepts_) {
      if (accept.is_armed) {
        executor_.reactor().cancel(accept.id);
      }
    }
  }
  void unreserve() noexcept {
    if (table_ != nullptr) {
      table_->unreserve(1);
    }
  }
  [[nodiscard]] Socket own(int number) noexcept {
    if (table_ == nullptr) {
      return Socket(UniqueFd(number));
    }
    unreserve();
    return {table_->adopt(static_cast<unsigned>(number)), family_};
  }

  void completed(Accept& accept, Completion completion) noexcept {
    if (completion.is_final()) {
      accept.is_armed = false;
      --armed_;
    }
    if (completion.result >= 0) {
      accepted.add();
      next_back_off_ = kFirstBackOff;
      has_accepted_ = true;
      ready_.push_back(completion.result);  // a place in the table stays reserved until it is taken
      if (ready_.size() >= kMostWaiting) {
        cancel_armed();
      }
      wake_waiter();
    } else {
      unreserve();
      note_error(-completion.result);
    }
    if (!completion.is_final()) {
      return;
    }
    if (armed_ == 0) {
      while (DrainAwaiter* closer = closers_.pop_front()) {
        executor_.make_ready(*closer->promise);
      }
    }
    if (waiter_ != nullptr) {
      arm_if_needed();
    }
  }
  void note_error(int error) noexcept {
    if (is_fatal(error)) {
      error_ = error;
      wake_waiter();
    } else if (error != ECANCELED && !is_of_one_connection(error)) {
      back_off();
    }
  }

  void wake_waiter() noexcept {
    if (AcceptAwaiter* waiter = std::exchange(waiter_, nullptr); waiter != nullptr) {
      waiter->detach();
      executor_.make_ready(*waiter->promise_);
    }
  }

  void back_off() noexcept {
    backed_off.add();
    if (!closed_) {
      executor_.arm(*this, executor_.now() + next_back_off_);
      next_back_off_ = std::min(2 * next_back_off_, kLongestBackOff);
    }
  }

  void on_expired() noexcept override {
    if (waiter_ != nullptr) {
      arm_if_needed();
    }
  }

  Counter own_backed_off_;
  Executor& executor_;
  UniqueFd fd_;
  DirectFiles* table_;      // null: descriptors of the process
  int family_ = AF_UNSPEC;  // of the connections, when they are direct
  std::deque<Accept> accepts_;
  std::deque<int> ready_;  // accepted, owned, and not taken
  AcceptAwaiter* waiter_ = nullptr;
  detail::IntrusiveList<DrainAwaiter> closers_;
  Duration next_back_off_ = kFirstBackOff;
  int error_ = 0;
  std::size_t most_in_a_turn_ = 0;  // that a multishot accept hands over
  unsigned armed_ = 0;              // how many of the accepts
  bool may_accept_at_once_;         // without waiting
  bool has_accepted_ = false;
  bool is_multishot_ = false;  // of the armed accept
  bool one_at_a_time_ = false;
  bool closed_ = false;
};

Listener::Listener(Executor& executor, UniqueFd listening_socket, Counter* backed_off)
    : state_(std::make_unique<State>(executor, std::move(listening_socket), nullptr, backed_off)) {}
Listener::Listener(Executor& executor, UniqueFd listening_socket, DirectFiles& table,
                   Counter* backed_off)
    : state_(std::make_unique<State>(executor, std::move(listening_socket), &table, backed_off)) {}
Listener::~Listener() = default;

Listener::AcceptAwaiter Listener::accept(std::size_t room) noexcept {
  state_->set_room(room);
  return AcceptAwaiter(*state_);
}

Result<Socket> Listener::try_accept() noexcept { return state_->try_accept(); }

Task<void> Listener::close() {
  State& state = *state_;
  state.begin_close();
  co_await State::DrainAwaiter(state);
  state.end_close();
}

Result<void> Listener::set_backlog(int backlog) noexcept {
  const int result = ::listen(fd(), backlog);
  if (result != 0) {
    return failure(errno);
  }
  state_->look_at_queue();
  return {};
}

bool Listener::is_accepting() const noexcept { return state_->is_armed() || state_->has_ready(); }
int Listener::fd() const noexcept { return state_->fd(); }
const Counter& Listener::accepted() const noexcept { return state_->accepted; }
const Counter& Listener::backed_off() const noexcept { return state_->backed_off; }

bool Listener::AcceptAwaiter::start(detail::PromiseBase& promise) {
  CancelScope* scope = scope_ != nullptr ? scope_ : promise.cancel_scope();
  if (scope != nullptr && scope->is_cancelled()) {
    cancelled_ = true;
    return false;
  }
  if (state_.has_ready() || state_.is_done()) {
    return false;
  }
  promise_ = &promise;
  if (scope != nullptr) {
    scope->attach(*this);
  }
  state_.wait(*this);
  return true;
}

Result<Socket> Listener::AcceptAwaiter::await_resume() noexcept {
  if (cancelled_) {
    return failure(ECANCELED);
  }
  return state_.take();
}

void Listener::AcceptAwaiter::on_cancel() noexcept {
  cancelled_ = true;
  state_.forget(*this);
  promise_->executor().make_ready(*promise_);
}

}  // namespace sluice
