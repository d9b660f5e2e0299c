// No-operations and random reads: as many coroutines as shall be in flight, each doing one after
// the other.
#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sluice/buffer_pool.hpp>
#include <sluice/file.hpp>
#include <sluice/request.hpp>
#include <sluice/task_scope.hpp>

#include "sluice_subjects.hpp"

namespace {

sluice::Task<void> do_nops(Meter& meter) {
  while (meter_count(&meter)) {
    if (const auto done = co_await sluice::Operation(sluice::NopRequest()); !done) {
      give_up("no-operation", done.error().value());
    }
  }
}

sluice::Task<void> do_all_nops(Meter& meter, unsigned depth) {
  sluice::TaskScope scope(co_await sluice::current_context());
  for (unsigned index = 0; index < depth; ++index) {
    scope.spawn(do_nops(meter));
  }
  co_await scope.join();
}

struct Reads {
  Meter meter{};
  sluice::File file;
  std::uint64_t blocks = 0;
  std::uint64_t random = 88172645463325252U;
};

sluice::Task<void> do_reads(Reads& reads, std::span<std::byte> buffer) {
  while (meter_count(&reads.meter)) {
    const std::uint64_t offset = random_block(&reads.random, reads.blocks) * kBlockBytes;
    const auto count = co_await reads.file.read_at(buffer, offset);
    if (!count || *count != buffer.size()) {
      give_up("read", count ? EIO : count.error().value());
    }
  }
}

sluice::Task<void> do_all_reads(Reads& reads, unsigned depth, const char* path, bool direct) {
  auto fd = co_await sluice::File::open(path, O_RDONLY | (direct ? O_DIRECT : 0));
  if (!fd) {
    give_up(path, fd.error().value());
  }
  reads.file = sluice::File(std::move(*fd));
  reads.blocks = reads.file.status().value().size_bytes / kBlockBytes;
  sluice::BufferPool pool(kBlockBytes, depth);
  std::vector<sluice::BufferLease> buffers;
  sluice::TaskScope scope(co_await sluice::current_context());
  for (unsigned index = 0; index < depth; ++index) {
    buffers.push_back(*pool.take());
    scope.spawn(do_reads(reads, buffers.back().bytes()));
  }
  co_await scope.join();
}

}  // namespace

int measure_nops(const char* seconds, unsigned depth) {
  Meter meter = meter_start(seconds, 64);
  run_to_end([&](sluice::Executor&) { return do_all_nops(meter, depth); });
  return meter_report(&meter);
}

int measure_reads(const char* seconds, unsigned depth, const char* path, bool direct) {
  Reads reads;
  reads.meter = meter_start(seconds, 64);
  run_to_end([&](sluice::Executor&) { return do_all_reads(reads, depth, path, direct); });
  return meter_report(&reads.meter);
}
