#include <sluice/run.hpp>

#include <sluice/executor.hpp>
#include <sluice/kernel_ring.hpp>
#include <sluice/reactor.hpp>
#include <sluice/signal.hpp>
#include <sluice/task_scope.hpp>

namespace sluice::detail {
namespace {

Task<void> run_then_forget_signals(Task<void> task, TaskScope& waiting_for_signals) {
  co_await std::move(task);
  waiting_for_signals.cancel();
}

Task<void> cancel_at_signal(const SignalSet& signals, CancelScope& work) {
  if (const auto number = co_await signals.next()) {
    work.cancel();
  }
}

Task<void> run_until_signal(Task<void> task, const SignalSet& signals) {
  const TaskContext context = co_await current_context();
  TaskScope work(context);
  TaskScope waiting(context);
  work.spawn(run_then_forget_signals(std::move(task), waiting));
  waiting.spawn(cancel_at_signal(signals, work.cancel_scope()));
  co_await work.join();
  co_await waiting.join();
}

}  // namespace

std::expected<void, SetupError> run_task(Task<void> task, std::initializer_list<int> stop_signals) {
  std::optional<SignalSet> signals;
  if (stop_signals.size() > 0) {
    auto blocked = SignalSet::block(stop_signals);
    if (!blocked) {
      return std::unexpected(
          SetupError{blocked.error().value(),
                     "the signals that are to stop the program cannot be taken over: " +
                         blocked.error().message()});
    }
    signals.emplace(std::move(*blocked));
  }
  auto ring = KernelRing::create({});
  if (!ring) {
    return std::unexpected(std::move(ring.error()));
  }
  Reactor reactor(std::move(*ring));
  Executor executor(reactor);
  if (const auto enabled = executor.enable_messages(); !enabled) {
    return std::unexpected(
        SetupError{enabled.error().value(),
                   "no descriptor for waking the loop: " + enabled.error().message()});
  }
  executor.spawn(signals ? run_until_signal(std::move(task), *signals) : std::move(task));
  executor.run();
  return {};
}

}  // namespace sluice::detail
