#pragma once

#include <stdlib.h>

#include <string>

namespace sluiced::service {

/// The value of a variable of the environment (empty when there is none), and the variable gone, so
/// that nobody else takes for his what was meant for this process. Before any thread is made.
[[nodiscard]] inline std::string take_variable(const char* name) {
  const char* value = ::getenv(name);
  std::string taken = value != nullptr ? value : "";
  ::unsetenv(name);
  return taken;
}

}  // namespace sluiced::service
