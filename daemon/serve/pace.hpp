#pragma once

#include <cstdint>
#include <optional>

#include <sluice/cancel.hpp>
#include <sluice/detail/timer_heap.hpp>
#include <sluice/executor.hpp>
#include <sluice/socket.hpp>

#include "config/config.hpp"

namespace sluiced::serve {

/// Watches how fast a client moves a body, and cancels a scope when that is slower than it has to
/// be. A limit on silence alone lets a client take a byte now and then for ever; a limit on the
/// whole time cuts off honest downloads of large files.
///
/// What counts is what the client has acknowledged, not what the kernel has buffered for it. A
/// client that has taken all there was is never slow: it waits for us. The first half of the grace
/// is not measured; after that each half is, by itself.
///
/// Made for a body that has to be waited for; what can be moved at once is not watched. Unix
/// sockets are not measured.
class Pace final : private sluice::detail::TimerNode {
 public:
  enum class Direction : std::uint8_t { sending, receiving };

  /// What the body is that is watched, and what is cancelled if it is too slow. All references must
  /// outlive the pace.
  struct Watched {
    sluice::Executor& executor;
    const sluice::Socket& socket;
    const config::MinRate& limit;
    sluice::CancelScope& scope;
    Direction direction;
  };
  /// Begins to watch. `current` points to it as long as it lives.
  Pace(const Watched& watched, Pace*& current);
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;
  ~Pace() {
    current_ = nullptr;
    watched_.executor.disarm(*this);
  }

  /// Whether the scope was cancelled from here.
  [[nodiscard]] bool was_too_slow() const noexcept { return was_too_slow_; }

  /// How the rate of a client is judged that might give way to another.
  struct Judgement {
    std::uint64_t healthy;    // bytes per second
    sluice::Duration busy;    // the least time that an average is taken of
    sluice::Duration window;  // how long one must be slow who was not slow on average
  };
  /// Bytes per second that a client has taken whenever there was something to take.
  [[nodiscard]] static std::uint64_t average(const sluice::StreamProgress& progress) noexcept {
    return rate({sluice::TimePoint(), 0},
                {sluice::TimePoint(progress.busy), progress.acknowledged_bytes});
  }
  /// Bytes per second. The average over all the time that there was something for the client to
  /// take, if that is slow; else what it was over the last window, or since, whichever is more: a
  /// client that has been fast may pause. Nothing when there is no such time yet, and for a client
  /// that waits for us. One system call at the most.
  [[nodiscard]] std::optional<std::uint64_t> judge(const Judgement& judgement) noexcept;

 private:
  struct Mark {
    sluice::TimePoint at;
    std::uint64_t bytes;
  };
  void on_expired() noexcept override;
  [[nodiscard]] std::uint64_t moved(const sluice::StreamProgress& progress) const noexcept {
    return watched_.direction == Direction::sending ? progress.acknowledged_bytes
                                                    : progress.received_bytes;
  }
  [[nodiscard]] bool waits_for_us(const sluice::StreamProgress& progress) const noexcept {
    return watched_.direction == Direction::sending && !progress.is_outstanding;
  }
  [[nodiscard]] static std::uint64_t rate(const Mark& from, const Mark& to) noexcept;

  Watched watched_;
  Pace*& current_;
  std::optional<Mark> measured_;  // by the timer
  // Of judge().
  std::optional<sluice::TimePoint> judged_at_;
  std::optional<Mark> window_began_;
  std::optional<std::uint64_t> last_window_;  // its rate
  std::optional<std::uint64_t> verdict_;
  bool was_too_slow_ = false;
};

}  // namespace sluiced::serve
