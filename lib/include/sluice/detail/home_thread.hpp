#pragma once

namespace sluice::detail {

/// Remembers the thread it was made on. What belongs to a shard asks it before it changes anything:
/// a call from another thread would be a silent race. The thread pointer (where the thread's own
/// variables are) tells threads apart as pthread_self(3) does, and is one register: no call.
class HomeThread {
 public:
  [[nodiscard]] bool is_current() const noexcept { return thread_ == __builtin_thread_pointer(); }

 private:
  const void* thread_ = __builtin_thread_pointer();
};

}  // namespace sluice::detail
