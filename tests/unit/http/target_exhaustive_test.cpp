// Every target over a small alphabet, against an oracle that is slow, simple and shares no code.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "http/target.hpp"

namespace sluiced::http {
namespace {

constexpr std::string_view kAlphabet = "%2ef./a";
constexpr std::size_t kMaxLength = 7;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

/// The path and whether it ends in a slash, as "path" or "path/"; nothing if it is refused.
std::optional<std::string> oracle(const std::string& target) {
  if (target.empty() || target[0] != '/') return std::nullopt;
  std::string decoded;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] != '%') {
      decoded += target[i];
      continue;
    }
    const std::string digits = target.substr(i + 1, 2);
    if (digits.size() != 2 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return std::nullopt;
    }
    const int byte = std::stoi(digits, nullptr, 16);
    if (byte == '/' || byte == 0) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  std::vector<std::string> kept;
  const std::vector<std::string> parts = split(decoded);
  for (const std::string& part : parts) {
    if (part == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(part);
    }
  }
  std::string path;
  for (const std::string& part : kept) path += (path.empty() ? "" : "/") + part;
  const bool slash = parts.back().empty() || parts.back() == "." || parts.back() == "..";
  return (path.empty() ? "." : path) + (slash ? "/" : "");
}

bool stays_below_root(std::string_view path) {
  if (path == ".") return true;
  for (const std::string& part : split(std::string(path))) {
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos) {
      return false;
    }
  }
  return true;
}

TEST(PathNormaliseExhaustive, AgreesWithTheOracleOnEveryTargetOfTheAlphabet) {
  std::size_t accepted = 0;
  PathBuffer buffer;
  std::vector<std::size_t> digits;
  std::string target;
  for (;;) {
    // The next number in base kAlphabet.size(), least digit first, growing as it overflows.
    std::size_t place = 0;
    while (place < digits.size() && ++digits[place] == kAlphabet.size()) digits[place++] = 0;
    if (place == digits.size()) {
      if (digits.size() == kMaxLength) break;
      digits.push_back(0);
    }
    target.assign(1, '/');
    for (const std::size_t digit : digits) target.push_back(kAlphabet[digit]);

    const auto path = normalise_target(target, buffer);
    const auto expected = oracle(target);
    ASSERT_EQ(path.has_value(), expected.has_value()) << target;
    if (!path) continue;
    ++accepted;
    ASSERT_EQ(std::string(path->relative) + (path->ends_in_slash ? "/" : ""), *expected) << target;
    ASSERT_TRUE(stays_below_root(path->relative)) << target;
  }
  EXPECT_GT(accepted, 300'000U);
}

}  // namespace
}  // namespace sluiced::http
