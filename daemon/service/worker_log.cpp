#include "service/worker_log.hpp"

#include <chrono>
#include <utility>

namespace sluiced::service {
namespace {

// How long the access log is waited for in the end, when nobody reads the pipe it goes into.
constexpr sluice::Duration kFlushLimit = std::chrono::seconds(1);

}  // namespace

void WorkerLog::replace(std::unique_ptr<observe::AccessLog>&& next) {
  if (finished_.is_set()) {
    return;
  }
  if (current_) {
    current_->finish();
    former_.push_back(std::move(current_));
  }
  current_ = std::move(next);
  if (current_ && writing_ != nullptr) {
    writing_->scope.spawn(write(*current_, writing_->limit.scope()));
  }
}

sluice::Task<void> WorkerLog::write(observe::AccessLog& log, sluice::CancelScope& scope) {
  co_await log.run().within(scope);
  std::erase_if(former_, [&log](const auto& other) { return other.get() == &log; });
}

sluice::Task<void> WorkerLog::await_end() { static_cast<void>(co_await finished_.wait()); }

sluice::Task<void> WorkerLog::run() {
  sluice::TaskContext unscoped = co_await sluice::current_context();
  unscoped.cancel_scope = nullptr;
  Writing writing{sluice::TaskScope(unscoped), sluice::Deadline(unscoped)};
  writing_ = &writing;
  if (current_) {
    writing.scope.spawn(write(*current_, writing.limit.scope()));
  }
  co_await await_end().within(writing.limit.scope());
  writing.limit.set(unscoped.executor->now() + kFlushLimit);
  co_await writing.scope.join();
  writing_ = nullptr;
}

void WorkerLog::finish() noexcept {
  if (current_) {
    current_->finish();
  }
  finished_.set();
}

}  // namespace sluiced::service
