// Request methods (RFC 9110 section 9, RFC 5789, RFC 4918).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluiced::http {

/// The methods that the daemon tells apart. `other` is any other token; what to answer to it (405
/// or 501) is the handler's business.
enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  options,
  patch,
  connect,
  trace,
  mkcol,
  other,
};

inline constexpr std::size_t kMethodCount = static_cast<std::size_t>(Method::other) + 1;

namespace detail {
inline constexpr std::array<std::string_view, kMethodCount> kMethodNames = {
    "GET",   "HEAD",    "POST",  "PUT",   "DELETE", "OPTIONS",
    "PATCH", "CONNECT", "TRACE", "MKCOL", "other"};
}  // namespace detail

/// The method's name as it stands in a request, and `other` for the rest: a bounded set, fit for a
/// metrics label.
constexpr std::string_view method_name(Method method) {
  return detail::kMethodNames[static_cast<std::size_t>(method)];
}

/// The method that `text` names. Methods are case-sensitive (RFC 9110 section 9.1).
constexpr Method parse_method(std::string_view text) {
  if (text == detail::kMethodNames[0]) return Method::get;  // in line: nearly all are
  for (std::size_t i = 1; i + 1 < kMethodCount; ++i) {
    if (detail::kMethodNames[i] == text) return static_cast<Method>(i);
  }
  return Method::other;
}

}  // namespace sluiced::http
