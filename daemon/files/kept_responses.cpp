#include "files/kept_responses.hpp"

#include <cstring>
#include <utility>

namespace sluiced::files {

std::string_view KeptResponse::response(std::uint64_t rendered_for,
                                        const http::DateLine& date) noexcept {
  if (!is_of(rendered_for)) {
    return {};
  }
  if (dated_ != date.time()) {
    std::memcpy(bytes_.get() + date_position_, date.text().data(), date.text().size());
    dated_ = date.time();
  }
  return {bytes_.get(), size_};
}

bool KeptResponse::copy_content_to(std::span<std::byte> room, std::uint64_t offset) const noexcept {
  if (size_ == 0 || offset > content_bytes() || room.size() > content_bytes() - offset) {
    return false;
  }
  std::memcpy(room.data(), bytes_.get() + head_bytes_ + offset, room.size());
  return true;
}

void KeptResponse::offer(const http::RenderedHead& head, std::string_view content,
                         std::uint64_t rendered_for, sluice::TimePoint now) {
  if (!std::exchange(was_offered_, true) || is_of(rendered_for)) {
    return;
  }
  drop();
  const std::size_t size = head.bytes() + content.size();
  if (!store_.make_room(size, now)) {
    return;
  }
  bytes_ = std::make_unique_for_overwrite<char[]>(size);
  const http::DateLine any_date(0);  // until response() is asked for one
  static_cast<void>(head.write({bytes_.get(), head.bytes()}, any_date, {}));  // there is room
  std::memcpy(bytes_.get() + head.bytes(), content.data(), content.size());
  size_ = size;
  head_bytes_ = head.bytes();
  date_position_ = head.date_position();
  rendered_for_ = rendered_for;
  dated_ = any_date.time();
  kept_since_ = now;
  store_.held_bytes_ += size_;
  store_.by_age_.push_back(*this);
}

void KeptResponse::drop() noexcept {
  if (size_ != 0) {
    unlink();
    store_.held_bytes_ -= std::exchange(size_, 0);
    bytes_.reset();
  }
}

KeptResponses::~KeptResponses() {
  by_age_.for_each([](KeptResponse& kept) { kept.drop(); });
}

bool KeptResponses::make_room(std::size_t bytes, sluice::TimePoint now) noexcept {
  while (held_bytes_ + bytes > kMostBytes) {
    KeptResponse* oldest = by_age_.front();
    if (oldest == nullptr || now - oldest->kept_since_ < age_) {
      return false;
    }
    oldest->drop();
  }
  return true;
}

}  // namespace sluiced::files
