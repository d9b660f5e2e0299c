#include "doctor/finding.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "text/printable.hpp"

namespace sluiced::doctor {
namespace {

const char* word_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kError:
      return "error";
  }
  return "";
}

}  // namespace

bool has_error(const Findings& findings) noexcept {
  return std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.verdict == Verdict::kError; });
}

std::string format(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{:<8} {}: {}\n", word_of(finding.verdict), finding.subject,
                       text::printable(finding.what));
    if (!finding.cure.empty()) {
      out += fmt::format("{:8} -> {}\n", "", text::printable(finding.cure));
    }
  }
  return out;
}

}  // namespace sluiced::doctor
