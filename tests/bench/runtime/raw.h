#pragma once

// The raw loop: what somebody writes who uses liburing alone, in C, and knows how.

#include <liburing.h>

#include "meter.h"

// The set-up that sluice uses too. Ends the program when the kernel refuses.
static inline void make_ring(struct io_uring* ring) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                            IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
                                            IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
                                   .cq_entries = 8192};
  const int error = io_uring_queue_init_params(1024, ring, &params);
  if (error != 0) {
    give_up("io_uring_setup", -error);
  }
  io_uring_register_ring_fd(ring);
}

// An entry to fill. The queue holds more than any subject has in flight.
static inline struct io_uring_sqe* next_entry(struct io_uring* ring) {
  struct io_uring_sqe* entry = io_uring_get_sqe(ring);
  if (entry == NULL) {
    give_up("io_uring_get_sqe", ENOBUFS);
  }
  return entry;
}

static inline void submit_and_wait(struct io_uring* ring) {
  const int result = io_uring_submit_and_wait(ring, 1);
  if (result < 0 && result != -EINTR) {
    give_up("io_uring_enter", -result);
  }
}

int measure_nops(const char* seconds, unsigned depth);
int measure_reads(const char* seconds, unsigned depth, const char* path, bool direct);
int serve_echo(void);
