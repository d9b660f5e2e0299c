#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluiced::doctor {

enum class Verdict : std::uint8_t {
  kOk,
  kWarning,  ///< It serves, but less well than it could.
  kError,    ///< It does not serve.
};

/// What came of one look at the machine.
struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject;  ///< "kernel", "open files", ...
  std::string what;     ///< A clause.
  std::string cure{};   ///< What to do about it; empty where that is said, or nothing is wrong.
};

using Findings = std::vector<Finding>;

[[nodiscard]] bool has_error(const Findings& findings) noexcept;

/// A line each, and the cure below it.
[[nodiscard]] std::string format(const Findings& findings);

}  // namespace sluiced::doctor
