#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sluice/cancel.hpp>
#include <sluice/clock.hpp>
#include <sluice/detail/invariant.hpp>
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

/// The same for any number of tasks of one type, at least one.
template <class T>
struct AnyOfManyResult {
  /// The index of the task that was done first.
  std::size_t first = 0;
  /// What every task came to, in their order; a loser that succeeded keeps its value.
  std::vector<detail::ValueOf<T>> results;
};

/// The same for any number of tasks of one type, of which there is at least one.
template <class T>
[[nodiscard]] Task<AnyOfManyResult<T>> when_any(std::vector<Task<T>> tasks) {
  detail::invariant(!tasks.empty(), "when_any() is given one task at least: of none none is first");
  std::vector<std::optional<detail::ValueOf<T>>> results(tasks.size());
  std::optional<std::size_t> first;
  TaskScope scope(co_await current_context());
  for (std::size_t index = 0; index < tasks.size(); ++index) {
    scope.spawn(
        detail::keep_result(std::move(tasks[index]), results[index], [&first, &scope, index] {
          if (!first) {
            first = index;
            scope.cancel();
          }
        }));
  }
  co_await scope.join();
  AnyOfManyResult<T> all{.first = *first, .results = {}};
  all.results.reserve(results.size());
  for (auto& result : results) {
    all.results.push_back(std::move(*result));
  }
  co_return all;
}

namespace detail {

// What can be awaited under a scope given by hand: a task, an operation, a wait, an accept.
template <class A>
concept Scoped = requires(A awaitable, CancelScope& scope) { std::move(awaitable).within(scope); };
template <Scoped A>
using ScopedOutcome = std::remove_cvref_t<
    decltype(std::declval<A>().within(std::declval<CancelScope&>()).await_resume())>;

}  // namespace detail

/// Awaits a task, an operation or a wait until a deadline, then cancels it and awaits its end.
/// ETIMEDOUT when the deadline ended it; a result that was there first is delivered, however late.
template <detail::Scoped A>
[[nodiscard]] Task<detail::ScopedOutcome<A>> with_deadline(TimePoint when, A awaitable) {
  Deadline deadline(co_await current_context());
  deadline.set(when);
  auto result = co_await std::move(awaitable).within(deadline.scope());
  if (!result && is_cancelled(result.error()) && deadline.has_expired()) {
    co_return failure(std::errc::timed_out);
  }
  co_return result;
}

}  // namespace sluice
