#pragma once

#include <pthread.h>

namespace sluice::detail {

/// Remembers the thread it was made on. What belongs to a shard asks it before it changes anything:
/// a call from another thread would be a silent race. pthread_self(3) reads one register.
class HomeThread {
 public:
  [[nodiscard]] bool is_current() const noexcept {
    return ::pthread_equal(thread_, ::pthread_self()) != 0;
  }

 private:
  ::pthread_t thread_ = ::pthread_self();
};

}  // namespace sluice::detail
