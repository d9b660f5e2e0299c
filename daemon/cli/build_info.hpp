#pragma once

#include <string>
#include <string_view>

namespace sluiced::cli {

/// What this program was built from and with. All texts live as long as the program.
struct BuildInfo {
  std::string_view version;
  std::string_view revision;  ///< Of the source; empty when the build did not name one.
  std::string_view compiler;
  std::string_view liburing;
  std::string_view build_type;
};

[[nodiscard]] BuildInfo build_info() noexcept;

/// The output of `sluiced version`: one fact a line, the name and version of the program first.
[[nodiscard]] std::string describe(const BuildInfo& info);

}  // namespace sluiced::cli
