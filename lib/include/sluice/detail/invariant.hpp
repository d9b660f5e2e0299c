#pragma once

#include <source_location>
#include <string_view>

#include <sluice/detail/api.hpp>

namespace sluice::detail {

/// Prints "sluice: broken rule: <rule> (<file>:<line>)" to standard error and aborts.
SLUICE_API [[noreturn]] void invariant_failed(std::string_view rule,
                                              std::source_location where) noexcept;

/// Checks a rule of the runtime. It stays on in release builds: a broken rule means that the kernel
/// may be writing into memory that somebody else owns, and stopping is the only safe answer.
inline void invariant(bool holds, std::string_view rule,
                      std::source_location where = std::source_location::current()) noexcept {
  if (!holds) [[unlikely]] {
    invariant_failed(rule, where);
  }
}

}  // namespace sluice::detail
