#include "service/build_facts.hpp"

#include "cli/build_info.hpp"

namespace sluiced::service {

admin::BuildFacts build_facts() {
  const cli::BuildInfo build = cli::build_info();
  return {.version = std::string(build.version),
          .revision = std::string(build.revision),
          .compiler = std::string(build.compiler),
          .liburing = std::string(build.liburing)};
}

}  // namespace sluiced::service
