#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <sluice/result.hpp>
#include <sluice/unique_fd.hpp>

namespace sluiced::files {

/// One instance of inotify(7): tells of changes to files and directories. An event is in its queue
/// before the system call that made the change returns, so who has emptied the queue knows of every
/// change that anybody else could know of.
class Inotify {
 public:
  struct Event {
    int watch;              // -1 when events were lost (IN_Q_OVERFLOW)
    std::uint32_t mask;     // IN_ flags
    std::string_view name;  // of the entry, for an event in a watched directory; else empty
  };

  /// EMFILE: the user has as many instances as fs.inotify.max_user_instances allows.
  [[nodiscard]] static sluice::Result<Inotify> create() noexcept;

  /// Watches what `fd` is open on, O_PATH included, through /proc. A watch belongs to the inode:
  /// watching it again answers the same number. ENOSPC: fs.inotify.max_user_watches.
  [[nodiscard]] sluice::Result<int> watch(int fd, std::uint32_t mask) const noexcept;
  void unwatch(int watch) const noexcept;

  /// Takes all events out of the queue; one system call when there are few or none.
  void drain(const std::function<void(const Event&)>& visit) const;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit Inotify(sluice::UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  sluice::UniqueFd fd_;
};

}  // namespace sluiced::files
