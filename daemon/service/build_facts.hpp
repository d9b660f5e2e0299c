#pragma once

#include "admin/metrics_page.hpp"

namespace sluiced::service {

/// What the program was built from and with, as the admin listener tells it.
[[nodiscard]] admin::BuildFacts build_facts();

}  // namespace sluiced::service
