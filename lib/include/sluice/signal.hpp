#pragma once

#include <csignal>
#include <initializer_list>

#include <sluice/detail/api.hpp>
#include <sluice/executor.hpp>
#include <sluice/file_requests.hpp>
#include <sluice/result.hpp>
#include <sluice/task.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// Signals as an awaitable (signalfd(2)): they arrive on the loop, in no handler, in the middle of
/// nothing.
///
/// Make it before any thread is started, on the main thread: it blocks the signals for that thread
/// and for all threads made from it. It does not unblock them when it goes.
class SLUICE_API SignalSet {
 public:
  /// Blocks the signals and takes them from here on. Errors are those of signalfd(2).
  [[nodiscard]] static Result<SignalSet> block(std::initializer_list<int> signals) noexcept;

  /// The number of the next signal that came; ECANCELED when the caller's scope is cancelled first,
  /// and no signal is lost by that.
  [[nodiscard]] Task<Result<int>> next() const;

 private:
  explicit SignalSet(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sluice
