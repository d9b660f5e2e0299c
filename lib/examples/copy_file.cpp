// Copies a file, and makes the copy durable before it says so.
//   copy_file FROM TO
#include <fcntl.h>

#include <vector>

#include <sluice/file.hpp>

#include "program.hpp"

namespace {

sluice::Task<sluice::Result<std::size_t>> copy(const char* from, const char* to) {
  auto source_fd = co_await sluice::File::open(from, O_RDONLY);
  if (!source_fd) {
    co_return std::unexpected(source_fd.error());
  }
  auto target_fd = co_await sluice::File::open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!target_fd) {
    co_return std::unexpected(target_fd.error());
  }
  const sluice::File source(std::move(*source_fd));
  const sluice::File target(std::move(*target_fd));
  std::vector<std::byte> buffer(256 * 1024);
  std::size_t copied = 0;
  while (true) {
    const auto count = co_await source.read_at(buffer, copied);
    if (!count) {
      co_return std::unexpected(count.error());
    }
    if (*count == 0) {
      break;
    }
    // The count, not the buffer's size: what lies behind a short read is old data.
    const auto written = co_await target.write_all_at(std::span(buffer).first(*count), copied);
    if (!written) {
      co_return std::unexpected(written.error());
    }
    copied += *count;
  }
  if (const auto synced = co_await target.sync(); !synced) {
    co_return std::unexpected(synced.error());
  }
  co_return copied;
}

sluice::Task<void> copy_file(const char* from, const char* to, int& exit_status) {
  const auto copied = co_await copy(from, to);
  if (!copied) {
    std::fprintf(stderr, "cannot copy %s to %s: %s\n", from, to, copied.error().message().c_str());
    exit_status = 1;
    co_return;
  }
  std::printf("Copied %zu bytes\n", *copied);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: copy_file FROM TO\n");
    return 64;
  }
  return run_program([argv](sluice::Executor&, int& exit_status) {
    return copy_file(argv[1], argv[2], exit_status);
  });
}
