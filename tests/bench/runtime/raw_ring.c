// No-operations and random reads, `depth` of them in flight at all times.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>

#include "raw.h"

int measure_nops(const char* seconds, unsigned depth) {
  struct io_uring ring;
  make_ring(&ring);
  for (unsigned index = 0; index < depth; ++index) {
    io_uring_prep_nop(next_entry(&ring));
  }
  struct Meter meter = meter_start(seconds, 64);
  while (!meter.done) {
    submit_and_wait(&ring);
    struct io_uring_cqe* completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, completion) {
      ++count;
      if (meter_count(&meter)) {
        io_uring_prep_nop(next_entry(&ring));
      }
    }
    io_uring_cq_advance(&ring, count);
  }
  io_uring_queue_exit(&ring);
  return meter_report(&meter);
}

struct Reads {
  struct io_uring ring;
  int fd;
  uint64_t blocks;
  uint64_t random;
  char* buffers;
};

static void begin_read(struct Reads* reads, uint64_t index) {
  struct io_uring_sqe* entry = next_entry(&reads->ring);
  io_uring_prep_read(entry, reads->fd, reads->buffers + index * kBlockBytes, kBlockBytes,
                     random_block(&reads->random, reads->blocks) * kBlockBytes);
  entry->user_data = index;
}

int measure_reads(const char* seconds, unsigned depth, const char* path, bool direct) {
  struct Reads reads = {.random = 88172645463325252U};
  struct stat status;
  reads.fd = open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
  if (reads.fd < 0 || fstat(reads.fd, &status) != 0) {
    give_up(path, errno);
  }
  reads.blocks = (uint64_t)status.st_size / kBlockBytes;
  reads.buffers = aligned_alloc(kBlockBytes, (size_t)depth * kBlockBytes);
  if (reads.buffers == NULL) {
    give_up("buffers", errno);
  }
  make_ring(&reads.ring);
  for (unsigned index = 0; index < depth; ++index) {
    begin_read(&reads, index);
  }
  unsigned in_flight = depth;
  struct Meter meter = meter_start(seconds, 64);
  while (in_flight > 0) {
    submit_and_wait(&reads.ring);
    struct io_uring_cqe* completion;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&reads.ring, head, completion) {
      ++count;
      if (completion->res != kBlockBytes) {
        give_up(path, completion->res < 0 ? -completion->res : EIO);
      }
      if (meter_count(&meter)) {
        begin_read(&reads, completion->user_data);
      } else {
        --in_flight;
      }
    }
    io_uring_cq_advance(&reads.ring, count);
  }
  io_uring_queue_exit(&reads.ring);
  free(reads.buffers);
  return meter_report(&meter);
}
