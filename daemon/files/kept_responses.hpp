#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <sluice/clock.hpp>
#include <sluice/detail/intrusive_list.hpp>

#include "http/response_head.hpp"

namespace sluiced::files {

class KeptResponses;

/// A copy of the response that all of a small file makes, head and content in one piece, or the
/// place for one. Belongs to a file that is open, goes with it, and is as true as what is known of
/// that file.
class KeptResponse final : public sluice::detail::ListNode {
 public:
  /// `store` must outlive the copy, and every call of offer().
  explicit KeptResponse(KeptResponses& store) noexcept : store_(store) {}
  ~KeptResponse() { drop(); }

  /// Of a response that was made of the head that `rendered_for` stands for (OpenFile::Head), to be
  /// sent as it is now: with this date. Nothing when no such response is kept.
  [[nodiscard]] std::string_view response(std::uint64_t rendered_for,
                                          const http::DateLine& date) noexcept;
  /// How much of response() is content.
  [[nodiscard]] std::size_t content_bytes() const noexcept { return size_ - head_bytes_; }
  /// Fills all of `room` with the content from `offset` on. False: none is kept, or it ends before.
  [[nodiscard]] bool copy_content_to(std::span<std::byte> room,
                                     std::uint64_t offset) const noexcept;

  /// What a response with all of the file is made of: `head`, which is kept without a Connection
  /// field, and `content`, which has just been read or copied. Kept from the second time on, if
  /// there is room, so that a file that is asked for once costs none; what is kept under the same
  /// rules stays.
  void offer(const http::RenderedHead& head, std::string_view content, std::uint64_t rendered_for,
             sluice::TimePoint now);

 private:
  friend class KeptResponses;
  [[nodiscard]] bool is_of(std::uint64_t rendered_for) const noexcept {
    return size_ != 0 && rendered_for_ == rendered_for;
  }
  void drop() noexcept;

  KeptResponses& store_;
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;  // 0 while none is kept
  std::size_t head_bytes_ = 0;
  std::size_t date_position_ = 0;
  std::uint64_t rendered_for_ = 0;
  http::UnixSeconds dated_ = 0;  // what date the head has
  sluice::TimePoint kept_since_{};
  bool was_offered_ = false;
};

/// Bounds how much is kept of responses with small files. To ask the page cache for 1 KiB
/// (preadv2(2)) and copy it twice is a tenth of what a request takes, and more. Belongs to one
/// shard.
class KeptResponses {
 public:
  static constexpr std::size_t kLargestFileBytes = std::size_t{8} * 1024;
  static constexpr std::size_t kMostBytes = std::size_t{4} * 1024 * 1024;

  /// A copy older than `age` is not in use any more: its file has been opened anew since.
  explicit KeptResponses(sluice::Duration age) noexcept : age_(age) {}
  KeptResponses(const KeptResponses&) = delete;
  KeptResponses& operator=(const KeptResponses&) = delete;
  /// Drops what is kept of files that are open still.
  ~KeptResponses();

  /// How much is kept at the moment.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  friend class KeptResponse;
  [[nodiscard]] bool make_room(std::size_t bytes, sluice::TimePoint now) noexcept;

  sluice::Duration age_;
  std::size_t held_bytes_ = 0;
  sluice::detail::IntrusiveList<KeptResponse> by_age_;  // the oldest first
};

}  // namespace sluiced::files
