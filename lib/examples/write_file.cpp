// Writes "Hello, world!" to a file.
//   write_file PATH
#include <fcntl.h>

#include <string_view>

#include <sluice/file.hpp>

#include "program.hpp"

namespace {

sluice::Task<sluice::Result<void>> write_greeting(const char* path) {
  constexpr std::string_view kGreeting = "Hello, world!";
  auto opened = co_await sluice::File::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!opened) {
    co_return std::unexpected(opened.error());
  }
  const sluice::File file(std::move(*opened));
  co_return co_await file.write_all_at(std::as_bytes(std::span(kGreeting)), 0);
}

sluice::Task<void> write_file(const char* path, int& exit_status) {
  const auto written = co_await write_greeting(path);
  if (!written) {
    std::fprintf(stderr, "cannot write %s: %s\n", path, written.error().message().c_str());
    exit_status = 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_file PATH\n");
    return 64;
  }
  return run_program(
      [argv](sluice::Executor&, int& exit_status) { return write_file(argv[1], exit_status); });
}
