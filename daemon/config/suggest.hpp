#pragma once

#include <span>
#include <string_view>

namespace sluiced::config {

/// The word among `known` that somebody who wrote `word` most likely meant, or an empty view when
/// none is close. Closeness is the optimal string alignment distance: letters added, left out,
/// replaced, or two neighbours swapped. Short words allow one such slip, long ones three.
[[nodiscard]] std::string_view suggest(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace sluiced::config
