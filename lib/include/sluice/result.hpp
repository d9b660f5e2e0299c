#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <system_error>

namespace sluice {

/// A value, or the reason there is none. Every operation of the runtime ends in one; exceptions are
/// left to set-up that cannot go on.
template <class T>
using Result = std::expected<T, std::error_code>;

/// An error made from a positive errno value.
[[nodiscard]] inline std::unexpected<std::error_code> failure(int errno_value) noexcept {
  return std::unexpected(std::error_code(errno_value, std::generic_category()));
}

/// An error made from a portable condition.
[[nodiscard]] inline std::unexpected<std::error_code> failure(std::errc code) noexcept {
  return std::unexpected(std::make_error_code(code));
}

/// What the kernel answers in a completion or a raw system call: a count, or a negative errno.
[[nodiscard]] inline Result<std::size_t> count_or_error(std::int64_t kernel_result) noexcept {
  if (kernel_result < 0) {
    return failure(static_cast<int>(-kernel_result));
  }
  return static_cast<std::size_t>(kernel_result);
}

/// The same for a call whose count says nothing.
[[nodiscard]] inline Result<void> success_or_error(std::int64_t kernel_result) noexcept {
  if (kernel_result < 0) {
    return failure(static_cast<int>(-kernel_result));
  }
  return {};
}

/// Whether an operation ended because its scope was cancelled.
[[nodiscard]] inline bool is_cancelled(const std::error_code& error) noexcept {
  return error == std::errc::operation_canceled;
}

}  // namespace sluice
