// Usage: bench_raw nop SECONDS DEPTH | read SECONDS DEPTH PATH direct|cached | echo
#include "raw.h"

int main(int argc, char** argv) {
  const char* subject = argc > 1 ? argv[1] : "";
  if (argc == 4 && strcmp(subject, "nop") == 0) {
    return measure_nops(argv[2], number_from(argv[3]));
  }
  if (argc == 6 && strcmp(subject, "read") == 0) {
    return measure_reads(argv[2], number_from(argv[3]), argv[4], strcmp(argv[5], "direct") == 0);
  }
  if (argc == 2 && strcmp(subject, "echo") == 0) {
    return serve_echo();
  }
  fprintf(stderr, "usage: see raw_main.c\n");
  return 64;
}
