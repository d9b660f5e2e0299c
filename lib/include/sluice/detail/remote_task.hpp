#pragma once

#include <cerrno>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <sluice/cancel.hpp>
#include <sluice/executor.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>

namespace sluice::detail {

template <class T>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;

/// Whether calling `Work` with an `Argument` makes a Task.
template <class Work, class Argument>
concept MakesTask = kIsTask<std::invoke_result_t<Work&, Argument>>;

/// A task on another executor that is awaited at home; see ShardSet::submit_to().
///
///    home                                there
///    await_suspend --------call------->  run(): spawns the task in a scope of its own
///    on_cancel ------------cancel----->  cancels that scope
///    answered    <---------answer------  the task has ended
///    told        <---------told--------  the cancel has been seen
///    resumes, when the answer is here and no cancel is underway
///
/// It lives in the awaiting frame, and each of its members is touched by one thread at a time: what
/// belongs to the other side passes over with the messages.
template <class Work, class Place>
class [[nodiscard]] RemoteTask final : private Message, private CancelLink {
  using Outcome = typename std::invoke_result_t<Work&, Place&>::value_type;
  using Stored = std::conditional_t<std::is_void_v<Outcome>, bool, Outcome>;

 public:
  RemoteTask(Executor& there, Place& place, Work work)
      : there_(there), place_(place), work_(std::move(work)) {}
  /// Movable until it is awaited.
  RemoteTask(RemoteTask&& other) noexcept(std::is_nothrow_move_constructible_v<Work>)
      : there_(other.there_),
        place_(other.place_),
        work_(std::move(other.work_)),
        scope_(other.scope_) {}
  RemoteTask& operator=(RemoteTask&&) = delete;
  ~RemoteTask() {
    invariant(!is_underway_,
              "a coroutine is destroyed only when what it asked of another shard is answered: "
              "cancel its scope and await it");
  }
  /// Awaits under another scope than the awaiting coroutine's own.
  [[nodiscard]] RemoteTask within(CancelScope& scope) && {
    scope_ = &scope;
    return std::move(*this);
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <RuntimePromise Promise>
  [[nodiscard]] bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    promise_ = &handle.promise();
    if (scope_ == nullptr) {
      scope_ = promise_->cancel_scope();
    }
    const bool is_cancelled = scope_ != nullptr && scope_->is_cancelled();
    if constexpr (std::constructible_from<Stored, std::unexpected<std::error_code>>) {
      if (is_cancelled) {
        outcome_.emplace(failure(ECANCELED));
        return false;
      }
    }
    is_underway_ = true;
    home_ = &promise_->executor();
    there_.post(*this);
    if (is_cancelled) {
      on_cancel();
    } else if (scope_ != nullptr) {
      scope_->attach(*this);
    }
    return true;
  }
  Outcome await_resume() {
    if constexpr (!std::is_void_v<Outcome>) {
      return std::move(*outcome_);
    }
  }

 private:
  // Goes there after the call, so that it finds the scope or finds that all is over.
  class CancelMessage final : public Message {
   public:
    explicit CancelMessage(RemoteTask& call) noexcept : call_(call) {}
    void run() noexcept override {
      if (std::exchange(was_there_, true)) {
        call_.is_cancel_underway_ = false;
        call_.resume_if_over();
        return;
      }
      if (call_.scope_there_) {
        call_.scope_there_->cancel();
      }
      call_.home_->post(*this);
    }

   private:
    RemoteTask& call_;
    bool was_there_ = false;
  };

  void run() noexcept override {
    if (is_answer_) {
      detach();
      is_answered_ = true;
      resume_if_over();
      return;
    }
    scope_there_.emplace(&there_.cancel_scope());
    there_.spawn(run_there());
  }

  Task<void> run_there() {
    if constexpr (std::is_void_v<Outcome>) {
      co_await work_(place_).within(*scope_there_);
    } else {
      outcome_.emplace(co_await work_(place_).within(*scope_there_));
    }
    scope_there_.reset();
    is_answer_ = true;
    home_->post(*this);  // the last that is done with this object here: it may be gone at once
  }

  void on_cancel() noexcept override {
    is_cancel_underway_ = true;
    there_.post(cancel_);
  }

  void resume_if_over() noexcept {
    if (is_answered_ && !is_cancel_underway_) {
      is_underway_ = false;
      home_->make_ready(*promise_);
    }
  }

  Executor& there_;
  Place& place_;
  Work work_;
  CancelScope* scope_ = nullptr;
  PromiseBase* promise_ = nullptr;
  Executor* home_ = nullptr;
  CancelMessage cancel_{*this};

  // Of home.
  bool is_underway_ = false;
  bool is_answered_ = false;
  bool is_cancel_underway_ = false;
  // Of the other side until the answer has been posted.
  std::optional<CancelScope> scope_there_;
  std::optional<Stored> outcome_;
  bool is_answer_ = false;
};

}  // namespace sluice::detail
