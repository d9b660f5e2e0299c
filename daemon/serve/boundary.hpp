#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "http/multipart_ranges.hpp"

namespace sluiced::serve {

/// 128 random bits of the kernel as hexadecimal digits: what the parts of a response are told apart
/// by (http::MultipartRanges).
class Boundary {
 public:
  /// Nothing where getrandom(2) fails, which only a system call filter brings about.
  [[nodiscard]] static std::optional<Boundary> draw() noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

 private:
  std::array<char, http::MultipartRanges::kBoundaryBytes> text_;
};

}  // namespace sluiced::serve
