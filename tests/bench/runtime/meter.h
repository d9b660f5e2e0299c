#pragma once

// What every program of the benchmark measures with, in C and in C++: one clock, one way to stop,
// one line of JSON at the end. Measuring must cost all of them the same, and next to nothing.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kBlockBytes = 4096 };  // of one read

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

// Counts operations for a given time, of which the first tenth warms up and does not count.
struct Meter {
  uint64_t operations;
  uint64_t warm_up_ns;
  uint64_t every;  // a power of two: looks at the clock each time so many operations are done
  uint64_t began_ns;
  uint64_t warm_at_ns;
  uint64_t stop_at_ns;
  uint64_t wall_ns;  // while it counts the time it began, then how long it took
  uint64_t cpu_ns;   // likewise, of all threads of the process
  bool warm;
  bool done;
};

static inline struct Meter meter_start(const char* seconds, uint64_t every) {
  const double seconds_given = strtod(seconds, NULL);
  struct Meter meter;
  memset(&meter, 0, sizeof(meter));
  meter.every = every;
  if (!(seconds_given > 0)) {
    fprintf(stderr, "a time in seconds is not '%s'\n", seconds);
    exit(64);
  }
  const uint64_t now = clock_ns(CLOCK_MONOTONIC);
  const uint64_t length_ns = (uint64_t)(seconds_given * 1e9);
  meter.began_ns = now;
  meter.warm_at_ns = now + length_ns / 10;
  meter.stop_at_ns = now + length_ns;
  return meter;
}

static inline void meter_look(struct Meter* meter) {
  const uint64_t now = clock_ns(CLOCK_MONOTONIC);
  const uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  if (!meter->warm) {
    if (now >= meter->warm_at_ns) {
      meter->warm = true;
      meter->warm_up_ns = now - meter->began_ns;
      meter->operations = 0;
      meter->wall_ns = now;
      meter->cpu_ns = cpu;
    }
  } else if (now >= meter->stop_at_ns && !meter->done) {
    meter->done = true;
    meter->wall_ns = now - meter->wall_ns;
    meter->cpu_ns = cpu - meter->cpu_ns;
  }
}

// Counts one operation. False: the time is over, begin no other.
static inline bool meter_count(struct Meter* meter) {
  if (meter->done) {
    return false;
  }
  if ((++meter->operations & (meter->every - 1)) == 0) {
    meter_look(meter);
  }
  return !meter->done;
}

// Prints the result. The exit status of the program: 0, or 70 when it measured nothing.
static inline int meter_report(const struct Meter* meter) {
  printf("{\"operations\": %llu, \"wall_ns\": %llu, \"cpu_ns\": %llu, \"warm_up_ns\": %llu}\n",
         (unsigned long long)meter->operations, (unsigned long long)meter->wall_ns,
         (unsigned long long)meter->cpu_ns, (unsigned long long)meter->warm_up_ns);
  return meter->done && meter->operations > 0 ? 0 : 70;
}

// A number of 1 or more from the command line.
static inline unsigned number_from(const char* text) {
  char* end = NULL;
  const unsigned long number = strtoul(text, &end, 10);
  if (end == text || *end != '\0' || number == 0 || number > 1000000) {
    fprintf(stderr, "a number from 1 on is not '%s'\n", text);
    exit(64);
  }
  return (unsigned)number;
}

// Offsets to read from: the same sequence in every program (xorshift64, Marsaglia 2003).
static inline uint64_t random_block(uint64_t* state, uint64_t blocks) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state % blocks;
}

// Ends the program: the machine does not allow what is to be measured.
static inline void give_up(const char* what, int error_number) {
  fprintf(stderr, "%s: %s\n", what, strerror(error_number));
  exit(71);
}
