#pragma once

#include <memory>
#include <vector>

#include <sluice/sync.hpp>
#include <sluice/task.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "observe/access_log.hpp"

namespace sluiced::service {

/// The access log of one shard, if it has one, and those that it has taken the place of, as long as
/// they have something to write. Belongs to one shard.
class WorkerLog {
 public:
  /// Null: nothing is logged.
  [[nodiscard]] observe::AccessLog* current() const noexcept { return current_.get(); }

  /// Takes the place of the one before, which nobody may add to any more. Before run(), or while it
  /// runs; has no effect once finish() was called.
  void replace(std::unique_ptr<observe::AccessLog>&& next);

  /// Writes what is added until finish(), whatever is cancelled meanwhile: what is cut at a stop is
  /// logged, too.
  [[nodiscard]] sluice::Task<void> run();
  /// Lets run() write what is left, and end.
  void finish() noexcept;

 private:
  struct Writing {
    sluice::TaskScope scope;
    sluice::Deadline limit;  // none before finish()
  };
  [[nodiscard]] sluice::Task<void> write(observe::AccessLog& log, sluice::CancelScope& scope);
  [[nodiscard]] sluice::Task<void> await_end();

  std::unique_ptr<observe::AccessLog> current_;
  std::vector<std::unique_ptr<observe::AccessLog>> former_;
  Writing* writing_ = nullptr;  // while it runs
  sluice::Event finished_;
};

}  // namespace sluiced::service
