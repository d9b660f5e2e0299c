#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace sluiced::config {

/// A setting that takes effect at a start only, and was asked to change while the daemon runs.
struct StartSetting {
  std::string key;  // "runtime.workers"
  std::string running;
  std::string asked;

  friend bool operator==(const StartSetting&, const StartSetting&) = default;
};

/// Puts what is running in the place of what `asked` says otherwise of settings that take effect at
/// a start only, and tells which these are: a restart is needed for them.
[[nodiscard]] std::vector<StartSetting> keep_start_settings(const Config& running, Config& asked);

/// A sentence for people.
[[nodiscard]] std::string describe(const StartSetting& setting);

}  // namespace sluiced::config
