// The rules whose breaking ends the program, because going on would leave the kernel a dangling
// buffer or somebody waiting for ever.
#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>

#include <gtest/gtest.h>

#include <sluice/listener.hpp>
#include <sluice/socket.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// A coroutine that nobody owns: it begins at once and is destroyed when its handle says so, which
// the runtime's own tasks never are.
class Abandoned {
 public:
  class promise_type : public detail::PromiseBase {
   public:
    explicit promise_type(Executor& executor, const Socket& /*socket*/) noexcept {
      executor_ = &executor;
      self_ = std::coroutine_handle<promise_type>::from_promise(*this);
    }
    Abandoned get_return_object() noexcept {
      return Abandoned(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  void destroy() noexcept { handle_.destroy(); }

 private:
  explicit Abandoned(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

Abandoned receive_abandoned(Executor& /*executor*/, const Socket& socket) {
  Bytes buffer(16);
  static_cast<void>(co_await socket.receive(buffer));
}

TEST(BrokenRuleDeathTest, DestroyingACoroutineWithAnOperationInFlight) {
  const auto break_it = [] {
    Simulation simulation;
    const Socket socket(simulation.store().open(SimulatedStore::make_stream({}, false)));
    Abandoned task = receive_abandoned(simulation.executor(), socket);
    simulation.turn();
    task.destroy();
  };
  EXPECT_DEATH(break_it(), "a coroutine is destroyed only when its operations are complete");
}

Task<void> sleep_long() { static_cast<void>(co_await sleep_for(1h)); }

Task<void> leave_children_behind() {
  TaskScope scope(co_await current_context());
  scope.spawn(sleep_long());
}

TEST(BrokenRuleDeathTest, EndingAScopeWithChildrenAlive) {
  Simulation simulation;
  EXPECT_DEATH(simulation.run(leave_children_behind()),
               "a TaskScope ends only when its children have");
}

Task<void> join_it(TaskScope& scope) { co_await scope.join(); }

Task<void> join_twice() {
  TaskScope children(co_await current_context());
  TaskScope joiners(co_await current_context());
  children.spawn(sleep_long());
  joiners.spawn(join_it(children));
  joiners.spawn(join_it(children));
  co_await joiners.join();
}

TEST(BrokenRuleDeathTest, TwoCoroutinesJoiningOneScope) {
  Simulation simulation;
  EXPECT_DEATH(simulation.run(join_twice()), "one coroutine at a time joins");
}

Task<void> accept_one(Listener& listener) { static_cast<void>(co_await listener.accept()); }

TEST(BrokenRuleDeathTest, TwoCoroutinesAccepting) {
  Simulation simulation;
  const auto break_it = [&simulation] {
    Listener listener(simulation.executor(),
                      simulation.store().open(SimulatedStore::make_listener()));
    simulation.spawn(accept_one(listener));
    simulation.run(accept_one(listener));
  };
  EXPECT_DEATH(break_it(), "one coroutine at a time accepts");
}

TEST(BrokenRuleDeathTest, DestroyingAListenerThatIsArmed) {
  Simulation simulation;
  const auto destroy_armed = [&simulation] {
    auto listener = std::make_unique<Listener>(
        simulation.executor(), simulation.store().open(SimulatedStore::make_listener()));
    simulation.run([](std::unique_ptr<Listener>& armed) -> Task<void> {
      TaskScope scope(co_await current_context());
      scope.spawn(accept_one(*armed));
      static_cast<void>(co_await sleep_for(1ms));
      scope.cancel();
      co_await scope.join();
      armed.reset();
    }(listener));
  };
  EXPECT_DEATH(destroy_armed(), "a Listener is closed, and its accept awaited");
}

TEST(BrokenRuleDeathTest, DestroyingAnExecutorWithTasksAlive) {
  const auto break_it = [] {
    Simulation simulation;
    simulation.spawn(sleep_long());
  };
  EXPECT_DEATH(break_it(), "an Executor ends only when its tasks have");
}

}  // namespace
}  // namespace sluice::testing
