#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sluice/reactor.hpp>
#include <sluice/unique_fd.hpp>

#include "files/inotify.hpp"
#include "files/root.hpp"

namespace sluiced::files {

/// Tells when a name beneath a root may lead to something else than it did, or the file behind it
/// has changed: by a watch on the file and on each directory on its way. What it cannot see: writes
/// through a shared mapping, and a file system mounted over a directory.
///
/// Belongs to one shard.
class ChangeWatch {
  struct Directory;

 public:
  /// Somebody who wants to know of one file. Forgotten before it is destroyed.
  class Subject {
   public:
    Subject() = default;
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    /// Called once; the subject has been forgotten by then, and may be destroyed.
    virtual void on_change() noexcept = 0;
    /// Something happened to a name beside the file that is its own name with an extension more
    /// ("a.css.gz" beside "a.css"): it may be there now. Any number of times.
    virtual void on_sibling_change() noexcept {}

   protected:
    ~Subject() = default;

   private:
    friend class ChangeWatch;
    Directory* directory_ = nullptr;
    std::string name_;
    int watch_ = -1;
  };

  /// Null when there is no inotify instance to be had.
  [[nodiscard]] static std::unique_ptr<ChangeWatch> create();
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;
  ~ChangeWatch();

  /// Watches the way to `path` beneath `root`, then opens the file, and watches that: what changes
  /// from then on is told. `root_index` stands for the root; `path` is relative and ends in a NUL.
  /// Fails where a symbolic link is on the way, where the disk would have to be asked, and where no
  /// watch is to be had (ENOSPC, ENOMEM); then nothing is watched.
  [[nodiscard]] sluice::Result<sluice::UniqueFd> open(Subject& subject, sluice::Reactor& reactor,
                                                      const Root& root, std::size_t root_index,
                                                      std::string_view path);
  void forget(Subject& subject) noexcept;

  /// Tells the subjects of all changes up to now. One system call when there are none. False: there
  /// were so many that the kernel has dropped some (fs.inotify.max_queued_events); whatever is
  /// watched has been told of as changed then.
  bool tell();

  /// Readable when there is something to tell.
  [[nodiscard]] int fd() const noexcept { return inotify_.fd(); }

 private:
  /// Whose watch it is; one watch can be of several: a file with two names, a root of two mounts.
  struct Owner {
    Directory* directory;
    Subject* subject;
  };
  using Owners = std::unordered_multimap<int, Owner>;

  explicit ChangeWatch(Inotify inotify) noexcept;
  [[nodiscard]] sluice::Result<Directory*> watch_directory(Directory* parent, std::string_view name,
                                                           sluice::Reactor& reactor,
                                                           const Root& root, std::size_t root_index,
                                                           const std::string& path);
  [[nodiscard]] sluice::Result<void> add_watch(int fd, std::uint32_t mask, int& watch, Owner owner);
  void remove_watch(int watch, const Owner& owner) noexcept;
  void release_if_empty(Directory* directory) noexcept;
  void handle(const Inotify::Event& event, std::vector<Subject*>& changed);
  static void collect(const Directory& directory, std::vector<Subject*>& changed);

  Inotify inotify_;
  bool lost_events_ = false;
  std::unordered_map<std::size_t, std::unique_ptr<Directory>> roots_;
  Owners owners_;
};

}  // namespace sluiced::files
