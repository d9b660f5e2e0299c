#pragma once

#include <expected>
#include <initializer_list>
#include <optional>
#include <utility>

#include <sluice/capabilities.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/task.hpp>

namespace sluice {
namespace detail {

SLUICE_API std::expected<void, SetupError> run_task(Task<void> task,
                                                    std::initializer_list<int> stop_signals);

template <class T>
Task<void> keep_value(Task<T> task, std::optional<T>& value) {
  value.emplace(co_await std::move(task));
}

}  // namespace detail

/// A program on one thread: makes a ring, a reactor and an executor of the default sizes that takes
/// messages, runs the task and everything it starts to the end, and returns its value. The error is
/// why there is no ring here, as a sentence.
///
/// Each of `stop_signals` that arrives meanwhile cancels the task instead of ending the process:
/// what it awaits ends with ECANCELED, and run() returns once all of it has ended. The signals stay
/// blocked for the calling thread afterwards (SignalSet); call it before threads are started.
///
///     int main() { return sluice::run(serve(), {SIGINT, SIGTERM}) ? 0 : 1; }
///
/// Programs that want other sizes or several threads (ShardSet) make the parts themselves. An
/// exception that leaves the task ends the program.
template <class T>
[[nodiscard]] std::expected<T, SetupError> run(Task<T> task,
                                               std::initializer_list<int> stop_signals = {}) {
  std::optional<T> value;
  auto ran = detail::run_task(detail::keep_value(std::move(task), value), stop_signals);
  if (!ran) {
    return std::unexpected(std::move(ran.error()));
  }
  return std::move(*value);
}

/// The same for a task without a value.
[[nodiscard]] inline std::expected<void, SetupError> run(
    Task<void> task, std::initializer_list<int> stop_signals = {}) {
  return detail::run_task(std::move(task), stop_signals);
}

}  // namespace sluice
