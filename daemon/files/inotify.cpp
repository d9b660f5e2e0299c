#include "files/inotify.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>

namespace sluiced::files {
namespace {

constexpr std::size_t kLargestEvent = sizeof(inotify_event) + NAME_MAX + 1;

}  // namespace

sluice::Result<Inotify> Inotify::create() noexcept {
  sluice::UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) {
    return sluice::failure(errno);
  }
  return Inotify(std::move(fd));
}

sluice::Result<int> Inotify::watch(int fd, std::uint32_t mask) const noexcept {
  // The link leads to the very file that is open, whatever its name leads to by now.
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  const int watch = ::inotify_add_watch(fd_.get(), path.data(), mask);
  if (watch < 0) {
    return sluice::failure(errno);
  }
  return watch;
}

void Inotify::unwatch(int watch) const noexcept { ::inotify_rm_watch(fd_.get(), watch); }

void Inotify::drain(const std::function<void(const Event&)>& visit) const {
  alignas(inotify_event) std::array<char, 16 * kLargestEvent> buffer;
  ssize_t count = 0;
  do {
    count = ::read(fd_.get(), buffer.data(), buffer.size());
    for (ssize_t place = 0; place < count;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + place);
      // The name is padded with NULs.
      const auto name = event.len > 0 ? std::string_view(event.name) : std::string_view();
      visit({event.wd, event.mask, name});
      place += static_cast<ssize_t>(sizeof(event) + event.len);
    }
    // A read leaves an event in the queue only when there was no room for it.
  } while (count > 0 && buffer.size() - static_cast<std::size_t>(count) < kLargestEvent);
}

}  // namespace sluiced::files
