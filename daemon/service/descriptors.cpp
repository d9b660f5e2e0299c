#include "service/descriptors.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <sluice/unique_fd.hpp>

namespace sluiced::service {
namespace {

std::uint64_t open_file_limit() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

void raise_open_file_limit(std::uint64_t wanted) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void reserve_descriptor_table() noexcept {
  constexpr std::uint64_t kMost = 65536;
  const std::uint64_t places = std::min(open_file_limit(), kMost);
  const sluice::UniqueFd any(::eventfd(0, EFD_CLOEXEC));
  // The table does not shrink when its last place is free again.
  const sluice::UniqueFd last(::fcntl(any.get(), F_DUPFD_CLOEXEC, static_cast<int>(places) - 1));
}

void raise_locked_memory_limit() noexcept {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 && ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
  }
}

files::FileCacheOptions cache_options(const config::Runtime& runtime, std::size_t shards) noexcept {
  constexpr std::size_t kShareOfDescriptors = 4;
  const std::size_t most =
      std::min<std::size_t>(runtime.cached_files, open_file_limit() / kShareOfDescriptors);
  return {.max_files = (most + shards - 1) / shards, .unwatched_age = runtime.unwatched_file_age};
}

std::size_t most_connections(const config::Runtime& runtime) {
  constexpr std::uint64_t kShareOfFiles = 8;
  constexpr std::uint64_t kFewestForFiles = 8;
  const std::uint64_t limit = open_file_limit();
  std::uint64_t open = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++open;
  }
  const std::uint64_t taken =
      open + cache_options(runtime, 1).max_files + std::max(limit / kShareOfFiles, kFewestForFiles);
  return std::max<std::uint64_t>(1, limit - std::min(limit, taken));
}

}  // namespace sluiced::service
