#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <sluice/unique_fd.hpp>

namespace sluice::testing {

using Bytes = std::vector<std::byte>;

/// What stands behind a descriptor of the simulated kernel.
struct SimulatedObject {
  enum class Kind : std::uint8_t { file, stream, listener, directory };

  Kind kind = Kind::file;
  /// A file's contents; of a stream, everything its peer sends.
  Bytes content;
  /// Of a stream: how much of the content has been received, and whether the peer has finished
  /// sending, so that 0 follows the last byte.
  std::size_t received = 0;
  bool is_finished = false;
  /// Of a stream: what has been sent to the peer.
  Bytes sent;
  /// Of a listener: connections that nobody has accepted yet.
  std::deque<std::shared_ptr<SimulatedObject>> backlog;
};
using ObjectPointer = std::shared_ptr<SimulatedObject>;

/// The files, streams and listeners of a simulated kernel. Each open one has a descriptor of the
/// real kernel's (an empty memfd), so that closing it closes something and a leak can be counted.
/// Closing needs no notice: a descriptor is known by its number and its inode, and a number that
/// was closed, or given out again for something else, no longer leads here.
class SimulatedStore {
 public:
  struct Found {
    bool is_open = false;  // false: no such descriptor (EBADF)
    ObjectPointer object;  // null: a descriptor of the real kernel
  };

  [[nodiscard]] static ObjectPointer make_file(Bytes content);
  [[nodiscard]] static ObjectPointer make_stream(Bytes incoming, bool is_finished);
  [[nodiscard]] static ObjectPointer make_listener();

  /// A new descriptor for an object.
  [[nodiscard]] UniqueFd open(ObjectPointer object);
  [[nodiscard]] Found find(int fd) const;

  /// Makes an object open by name.
  void name(std::string path, ObjectPointer object) { names_[std::move(path)] = std::move(object); }
  /// Null when nothing has that name.
  [[nodiscard]] ObjectPointer find_name(const std::string& path) const;

  // What the kernel's calls of these names do, in the one directory there is: 0, or -errno.
  [[nodiscard]] int rename(const std::string& from, const std::string& to, unsigned flags);
  [[nodiscard]] int remove(const std::string& name, bool is_for_directories);
  [[nodiscard]] int link(const ObjectPointer& object, const std::string& name);
  [[nodiscard]] int make_directory(const std::string& name);

 private:
  struct Entry {
    ino_t inode = 0;
    dev_t device = 0;
    ObjectPointer object;
  };
  std::unordered_map<int, Entry> open_;
  std::map<std::string, ObjectPointer> names_;
};

/// `count` bytes that tell where they stand: the byte at `offset` is pattern_byte(offset).
[[nodiscard]] Bytes pattern(std::size_t count, std::size_t offset = 0);
[[nodiscard]] constexpr std::byte pattern_byte(std::size_t offset) noexcept {
  return static_cast<std::byte>((offset * 131 + offset / 251) & 0xff);
}

}  // namespace sluice::testing
