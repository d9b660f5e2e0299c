#include "serve/boundary.hpp"

#include <sys/random.h>

#include <cstddef>

namespace sluiced::serve {

std::optional<Boundary> Boundary::draw() noexcept {
  std::array<unsigned char, http::MultipartRanges::kBoundaryBytes / 2> bits;
  // So few bytes come whole, and without waiting once the system has started.
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
    return std::nullopt;
  }
  Boundary boundary;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < bits.size(); ++i) {
    boundary.text_[2 * i] = kDigits[bits[i] >> 4U];
    boundary.text_[2 * i + 1] = kDigits[bits[i] & 0xFU];
  }
  return boundary;
}

}  // namespace sluiced::serve
