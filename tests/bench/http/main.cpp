// The client of the file servers; --help says what it does.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "load.hpp"
#include "options.hpp"

namespace {

void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void wait_for_end_of_input() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = options_from(argc, argv);
  allow_many_descriptors();
  // An open loop asks when a request is due, not when the kernel finds it convenient.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  Load load(options);
  load.run();
  load.print();
  if (options.hold) {
    std::fflush(stdout);
    wait_for_end_of_input();
    std::printf("{\"open\": %zu}\n", load.open_connections());
  }
  return 0;
}
