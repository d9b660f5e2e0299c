#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "simulated_store.hpp"

namespace sluice::testing {

/// How many bytes pieces of memory have together.
[[nodiscard]] inline std::size_t total_bytes(const std::vector<iovec>& pieces) noexcept {
  std::size_t total = 0;
  for (const iovec& piece : pieces) {
    total += piece.iov_len;
  }
  return total;
}

/// Fills pieces in order, as far as the bytes go.
inline void scatter(std::span<const std::byte> bytes, const std::vector<iovec>& pieces) noexcept {
  for (const iovec& piece : pieces) {
    const std::size_t count = std::min(piece.iov_len, bytes.size());
    std::ranges::copy(bytes.first(count), static_cast<std::byte*>(piece.iov_base));
    bytes = bytes.subspan(count);
  }
}

/// The first `count` bytes that pieces name.
[[nodiscard]] inline Bytes gather(const std::vector<iovec>& pieces, std::size_t count) {
  Bytes bytes;
  for (const iovec& piece : pieces) {
    const auto* from = static_cast<const std::byte*>(piece.iov_base);
    bytes.insert(bytes.end(), from, from + std::min(piece.iov_len, count - bytes.size()));
  }
  return bytes;
}

}  // namespace sluice::testing
