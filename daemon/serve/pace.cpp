#include "serve/pace.hpp"

#include <algorithm>
#include <chrono>

namespace sluiced::serve {

void Pace::begin(Direction direction) {
  direction_ = direction;
  began_ = executor_.now();
  measured_.reset();
  judged_at_.reset();
  window_began_.reset();
  last_window_.reset();
  verdict_.reset();
  is_active_ = true;
  if (limit_.bytes_per_second != 0 && !is_armed()) {
    executor_.arm(*this, began_ + limit_.grace / 2);
  }
}

std::uint64_t Pace::rate(const Mark& from, const Mark& to) noexcept {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(to.at - from.at).count();
  const std::uint64_t bytes = to.bytes - std::min(from.bytes, to.bytes);
  return bytes * 1000 / static_cast<std::uint64_t>(std::max<std::int64_t>(1, elapsed));
}

// Armed at the first body and then again as long as there is one; a body that began later than the
// timer was armed is looked at when its own time has come.
void Pace::on_expired() noexcept {
  if (!is_active_) {
    return;
  }
  const auto now = executor_.now();
  if (const auto first = began_ + limit_.grace / 2; now < first) {
    executor_.arm(*this, first);
    return;
  }
  const auto progress = socket_.progress();
  if (!progress) {
    return;
  }
  const Mark mark{now, moved(*progress)};
  if (measured_ && !waits_for_us(*progress) && rate(*measured_, mark) < limit_.bytes_per_second) {
    was_too_slow_ = true;
    scope_.cancel();
    return;
  }
  measured_ = mark;
  executor_.arm(*this, now + limit_.grace / 2);
}

std::optional<std::uint64_t> Pace::judge(const Judgement& judgement) noexcept {
  const auto now = executor_.now();
  // Not more often than anything can have changed.
  if (!is_active_ || (judged_at_ && now - *judged_at_ < judgement.busy / 8)) {
    return verdict_;
  }
  judged_at_ = now;
  verdict_.reset();
  const auto progress = socket_.progress();
  if (!progress || waits_for_us(*progress)) {
    window_began_.reset();
    last_window_.reset();
    return verdict_;
  }
  const Mark mark{now, moved(*progress)};
  if (direction_ == Direction::sending && progress->busy >= judgement.busy) {
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
