// Usage: bench_sluice SUBJECT ..., as below.
#include <cstring>
#include <span>
#include <string_view>

#include "sluice_subjects.hpp"

namespace {

constexpr const char* kUsage =
    "usage: bench_sluice nop SECONDS DEPTH | read SECONDS DEPTH PATH direct|cached | echo\n"
    "                    | await SECONDS | spawn SECONDS WIDTH\n"
    "                    | round-trip SECONDS DEPTH | wake-up SECONDS\n";

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::size_t count = arguments.size();
  const std::string_view subject = count > 1 ? arguments[1] : "";
  if (subject == "nop" && count == 4) {
    return measure_nops(arguments[2], number_from(arguments[3]));
  }
  if (subject == "read" && count == 6) {
    return measure_reads(arguments[2], number_from(arguments[3]), arguments[4],
                         std::string_view(arguments[5]) == "direct");
  }
  if (subject == "echo" && count == 2) {
    return serve_echo();
  }
  if (subject == "await" && count == 3) {
    return measure_awaits(arguments[2]);
  }
  if (subject == "spawn" && count == 4) {
    return measure_spawns(arguments[2], number_from(arguments[3]));
  }
  if (subject == "round-trip" && count == 4) {
    return measure_round_trips(arguments[2], number_from(arguments[3]));
  }
  if (subject == "wake-up" && count == 3) {
    return measure_wake_ups(arguments[2]);
  }
  std::fputs(kUsage, stderr);
  return 64;
}
