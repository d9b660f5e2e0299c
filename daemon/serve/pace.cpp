#include "serve/pace.hpp"

#include <algorithm>
#include <chrono>

namespace sluiced::serve {

Pace::Pace(const Watched& watched, Pace*& current) : watched_(watched), current_(current) {
  current_ = this;
  if (watched_.limit.bytes_per_second != 0) {
    watched_.executor.arm(*this, watched_.executor.now() + watched_.limit.grace / 2);
  }
}

std::uint64_t Pace::rate(const Mark& from, const Mark& to) noexcept {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(to.at - from.at).count();
  const std::uint64_t bytes = to.bytes - std::min(from.bytes, to.bytes);
  return bytes * 1000 / static_cast<std::uint64_t>(std::max<std::int64_t>(1, elapsed));
}

void Pace::on_expired() noexcept {
  const auto now = watched_.executor.now();
  const auto progress = watched_.socket.progress();
  if (!progress) {
    return;
  }
  const Mark mark{now, moved(*progress)};
  if (measured_ && !waits_for_us(*progress) &&
      rate(*measured_, mark) < watched_.limit.bytes_per_second) {
    was_too_slow_ = true;
    watched_.scope.cancel();
    return;
  }
  measured_ = mark;
  watched_.executor.arm(*this, now + watched_.limit.grace / 2);
}

std::optional<std::uint64_t> Pace::judge(const Judgement& judgement) noexcept {
  const auto now = watched_.executor.now();
  // Not more often than anything can have changed.
  if (judged_at_ && now - *judged_at_ < judgement.busy / 8) {
    return verdict_;
  }
  judged_at_ = now;
  verdict_.reset();
  const auto progress = watched_.socket.progress();
  if (!progress || waits_for_us(*progress)) {
    window_began_.reset();
    last_window_.reset();
    return verdict_;
  }
  const Mark mark{now, moved(*progress)};
  if (watched_.direction == Direction::sending && progress->busy >= judgement.busy) {
    const std::uint64_t so_far = average(*progress);
    if (so_far < judgement.healthy) {
      verdict_ = so_far;
      return verdict_;
    }
  }
  if (!window_began_) {
    window_began_ = mark;
  } else if (now - window_began_->at >= judgement.window) {
    last_window_ = rate(*window_began_, mark);
    verdict_ = last_window_;
    window_began_ = mark;
  } else if (last_window_) {
    verdict_ = std::max(*last_window_, rate(*window_began_, mark));
  }
  return verdict_;
}

}  // namespace sluiced::serve
