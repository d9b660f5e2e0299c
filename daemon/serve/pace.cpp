#include "serve/pace.hpp"

#include <algorithm>
#include <chrono>

namespace sluiced::serve {

void Pace::begin(Direction direction) {
  direction_ = direction;
  began_ = executor_.now();
  measured_.reset();
  sampled_.reset();
  rate_.reset();
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

std::optional<std::uint64_t> Pace::sample(sluice::Duration shortest) noexcept {
  const auto now = executor_.now();
  if (!is_active_) {
    return std::nullopt;
  }
  if (sampled_ && now - sampled_->at < shortest) {
    return rate_;
  }
  const auto progress = socket_.progress();
  if (!progress || waits_for_us(*progress)) {
    sampled_.reset();
    rate_.reset();
    return std::nullopt;
  }
  const Mark mark{now, moved(*progress)};
  if (sampled_) {
    rate_ = rate(*sampled_, mark);
  } else if (direction_ == Direction::sending && progress->busy >= shortest) {
    rate_ = rate({now - progress->busy, 0}, mark);
  }
  sampled_ = mark;
  return rate_;
}

}  // namespace sluiced::serve
