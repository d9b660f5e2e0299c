// Reads a file asynchronously and prints how many bytes came.
//   read_file PATH
#include <fcntl.h>

#include <array>

#include <sluice/file.hpp>

#include "program.hpp"

namespace {

sluice::Task<void> read_file(const char* path, int& exit_status) {
  auto opened = co_await sluice::File::open(path, O_RDONLY);
  if (!opened) {
    std::fprintf(stderr, "cannot open %s: %s\n", path, opened.error().message().c_str());
    exit_status = 1;
    co_return;
  }
  const sluice::File file(std::move(*opened));
  std::array<std::byte, 4096> buffer;
  std::size_t total = 0;
  while (true) {
    const auto count = co_await file.read_at(buffer, total);
    if (!count) {
      std::fprintf(stderr, "cannot read %s: %s\n", path, count.error().message().c_str());
      exit_status = 1;
      co_return;
    }
    if (*count == 0) {
      break;
    }
    total += *count;
  }
  std::printf("Read %zu bytes\n", total);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: read_file PATH\n");
    return 64;
  }
  return run_program(
      [argv](sluice::Executor&, int& exit_status) { return read_file(argv[1], exit_status); });
}
