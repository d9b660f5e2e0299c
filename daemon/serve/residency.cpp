#include "serve/residency.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <span>

namespace sluiced::serve {
namespace {

constexpr long kCachestat = 451;  // the same on every architecture; Debian 12's headers lack it

// As in linux/mman.h of Linux 6.5.
struct CachestatRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct Cachestat {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t being_written;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

// Whether a page of the range is not in the cache, neither read nor being read; nullopt: nobody can
// tell.
std::optional<bool> has_hole_in_cache(int fd, std::uint64_t offset, std::uint64_t length) noexcept {
  CachestatRange range{offset, length};
  Cachestat found{};
  if (::syscall(kCachestat, fd, &range, &found, 0U) != 0) {
    return std::nullopt;
  }
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t pages = (offset + length - 1) / page_bytes - offset / page_bytes + 1;
  return found.cached < pages;
}

}  // namespace

bool is_resident(sluice::Reactor& reactor, const sluice::File& file, std::uint64_t offset,
                 std::uint64_t length) noexcept {
  // Asked first: reading a byte that is not there may have the kernel read its page, and nothing
  // but that page.
  if (has_hole_in_cache(file.fd(), offset, length).value_or(false)) {
    return false;
  }
  std::byte probe;
  const std::span one(&probe, 1);
  return file.try_read_at(reactor, one, offset).has_value() &&
         file.try_read_at(reactor, one, offset + length - 1).has_value();
}

std::optional<bool> is_begun(const sluice::File& file, std::uint64_t offset,
                             std::uint64_t length) noexcept {
  const auto has_hole = has_hole_in_cache(file.fd(), offset, length);
  return has_hole ? std::optional(!*has_hole) : std::nullopt;
}

}  // namespace sluiced::serve
