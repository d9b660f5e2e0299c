#include <fcntl.h>

#include <array>
#include <cstdio>

#include <sluice/file.hpp>
#include <sluice/run.hpp>

sluice::Task<sluice::Result<std::size_t>> read_beginning(const char* path) {
  auto opened = co_await sluice::File::open(path, O_RDONLY);
  const sluice::File file(opened ? std::move(*opened) : sluice::UniqueFd());
  std::array<std::byte, 4096> buffer;
  co_return co_await file.read_at(buffer, 0);
}
int main(int argc, char** argv) {
  const auto count = sluice::run(read_beginning(argc > 1 ? argv[1] : "/proc/version"));
  return count && *count ? std::printf("read %zu bytes\n", **count) < 0 : 1;
}
