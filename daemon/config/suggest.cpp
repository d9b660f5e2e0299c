#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

namespace sluiced::config {
namespace {

// Longer than any key or option there is; it bounds the rows below.
constexpr std::size_t kLongestWord = 48;

std::size_t distance(std::string_view from, std::string_view to) {
  // Three rows of the table are enough: a swap looks back two rows.
  using Row = std::array<std::size_t, kLongestWord + 1>;
  Row before_previous{};
  Row previous{};
  Row current{};
  std::iota(previous.begin(), previous.end(), 0);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    before_previous = std::exchange(previous, current);
  }
  return previous[to.size()];
}

}  // namespace

std::string_view suggest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) {
    return {};
  }
  const std::size_t most_slips = word.size() <= 4 ? 1 : word.size() <= 8 ? 2 : 3;
  std::string_view best;
  std::size_t best_distance = most_slips + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongestWord) {
      continue;
    }
    const std::size_t slips = distance(word, candidate);
    if (slips < best_distance) {
      best = candidate;
      best_distance = slips;
    }
  }
  return best;
}

}  // namespace sluiced::config
