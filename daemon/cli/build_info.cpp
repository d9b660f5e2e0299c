#include "cli/build_info.hpp"

#include <string>

#ifndef SLUICED_REVISION
#define SLUICED_REVISION ""
#endif

namespace sluiced::cli {

BuildInfo build_info() noexcept {
  return {.version = SLUICED_VERSION,
          .revision = SLUICED_REVISION,
#ifdef __clang__
          .compiler = "clang " __clang_version__,
#else
          .compiler = "gcc " __VERSION__,
#endif
          .liburing = SLUICED_LIBURING_VERSION,
          .build_type = SLUICED_BUILD_TYPE};
}

std::string describe(const BuildInfo& info) {
  std::string out = "sluiced " + std::string(info.version) + '\n';
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      out += std::string(name) + ": " + std::string(value) + '\n';
    }
  };
  add("revision", info.revision);
  add("compiler", info.compiler);
  add("liburing", info.liburing);
  add("build type", info.build_type);
  return out;
}

}  // namespace sluiced::cli
