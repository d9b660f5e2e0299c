#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <sluice/clock.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

/// Ways to await several things. All of them await every task they start, losers and latecomers
/// included: when they return, nothing they began is still in flight.
namespace sluice {

/// The value of a Task<void> where values are collected.
using Nothing = std::monostate;

namespace detail {

template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, Nothing, T>;

// Runs one task of a group, keeps its value, and reports that it is there.
template <class T, class WhenDone>
Task<void> keep_result(Task<T> task, std::optional<ValueOf<T>>& result, WhenDone when_done) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    result.emplace();
  } else {
    result.emplace(co_await std::move(task));
  }
  when_done();
}

}  // namespace detail

/// Runs all tasks side by side and returns their values in order.
template <class... T>
[[nodiscard]] Task<std::tuple<detail::ValueOf<T>...>> when_all(Task<T>... tasks) {
  std::tuple<std::optional<detail::ValueOf<T>>...> results;
  TaskScope scope(co_await current_context());
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    (scope.spawn(detail::keep_result(std::move(tasks), std::get<kIndex>(results), [] {})), ...);
  }(std::index_sequence_for<T...>{});
  co_await scope.join();
  co_return std::apply(
      [](auto&... result) { return std::tuple<detail::ValueOf<T>...>(std::move(*result)...); },
      results);
}

/// The same for any number of tasks of one type.
template <class T>
[[nodiscard]] Task<std::vector<detail::ValueOf<T>>> when_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<detail::ValueOf<T>>> results(tasks.size());
  TaskScope scope(co_await current_context());
  for (std::size_t index = 0; index < tasks.size(); ++index) {
    scope.spawn(detail::keep_result(std::move(tasks[index]), results[index], [] {}));
  }
  co_await scope.join();
  std::vector<detail::ValueOf<T>> values;
  values.reserve(results.size());
  for (auto& result : results) {
    values.push_back(std::move(*result));
  }
  co_return values;
}

/// What when_any() gives: which task was done first, and what every one of them came to. A loser
/// that succeeded in spite of being cancelled keeps its value: bytes that were read and descriptors
/// that were opened are never thrown away behind the caller's back.
template <class... T>
struct AnyResult {
  /// The index of the task that was done first.
  std::size_t first = 0;
  /// What each task returned, in their order.
  std::tuple<detail::ValueOf<T>...> results;
};

/// Runs the tasks side by side; when one is done, cancels the others and awaits them.
template <class... T>
[[nodiscard]] Task<AnyResult<T...>> when_any(Task<T>... tasks) {
  std::tuple<std::optional<detail::ValueOf<T>>...> results;
  std::optional<std::size_t> first;
  TaskScope scope(co_await current_context());
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    (scope.spawn(detail::keep_result(std::move(tasks), std::get<kIndex>(results),
                                     [&first, &scope] {
                                       if (!first) {
                                         first = kIndex;
                                         scope.cancel();
                                       }
                                     })),
     ...);
  }(std::index_sequence_for<T...>{});
  co_await scope.join();
  co_return std::apply(
      [&first](auto&... result) { return AnyResult<T...>{*first, {std::move(*result)...}}; },
      results);
}

/// Runs a task until a deadline, then cancels and awaits it. ETIMEDOUT when the deadline ended it;
/// a result that was there first is delivered, however late.
template <class T>
[[nodiscard]] Task<Result<T>> with_deadline(TimePoint when, Task<Result<T>> task) {
  Deadline deadline(co_await current_context());
  deadline.set(when);
  auto result = co_await std::move(task).within(deadline.scope());
  if (!result && is_cancelled(result.error()) && deadline.has_expired()) {
    co_return failure(std::errc::timed_out);
  }
  co_return result;
}

/// The same for a single operation.
template <OperationRequest Request>
[[nodiscard]] Task<typename Operation<Request>::Outcome> with_deadline(
    TimePoint when, Operation<Request> operation) {
  Deadline deadline(co_await current_context());
  deadline.set(when);
  auto result = co_await std::move(operation).within(deadline.scope());
  if (!result && is_cancelled(result.error()) && deadline.has_expired()) {
    co_return failure(std::errc::timed_out);
  }
  co_return result;
}

}  // namespace sluice
