#include "simulated_store.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include <sluice/detail/invariant.hpp>

namespace sluice::testing {

ObjectPointer SimulatedStore::make_file(Bytes content) {
  auto object = std::make_shared<SimulatedObject>();
  object->kind = SimulatedObject::Kind::file;
  object->content = std::move(content);
  return object;
}

ObjectPointer SimulatedStore::make_stream(Bytes incoming, bool is_finished) {
  auto object = std::make_shared<SimulatedObject>();
  object->kind = SimulatedObject::Kind::stream;
  object->content = std::move(incoming);
  object->is_finished = is_finished;
  return object;
}

ObjectPointer SimulatedStore::make_listener() {
  auto object = std::make_shared<SimulatedObject>();
  object->kind = SimulatedObject::Kind::listener;
  return object;
}

UniqueFd SimulatedStore::open(ObjectPointer object) {
  UniqueFd fd(::memfd_create("simulated", MFD_CLOEXEC));
  struct stat status{};
  // The size is for whoever asks fstat(2), which does not pass the ring.
  detail::invariant(fd.get() >= 0 &&
                        ::ftruncate(fd.get(), static_cast<off_t>(object->content.size())) == 0 &&
                        ::fstat(fd.get(), &status) == 0,
                    "a simulated descriptor can be made");
  open_[fd.get()] = {status.st_ino, status.st_dev, std::move(object)};
  return fd;
}

SimulatedStore::Found SimulatedStore::find(int fd) const {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return {};
  }
  const auto found = open_.find(fd);
  if (found == open_.end() || found->second.inode != status.st_ino ||
      found->second.device != status.st_dev) {
    return {true, nullptr};
  }
  return {true, found->second.object};
}

ObjectPointer SimulatedStore::find_name(const std::string& path) const {
  const auto found = names_.find(path);
  return found != names_.end() ? found->second : nullptr;
}

int SimulatedStore::rename(const std::string& from, const std::string& to, unsigned flags) {
  const ObjectPointer object = find_name(from);
  const ObjectPointer replaced = find_name(to);
  if (object == nullptr || (replaced == nullptr && (flags & RENAME_EXCHANGE) != 0)) {
    return -ENOENT;
  }
  if (replaced != nullptr && (flags & RENAME_NOREPLACE) != 0) {
    return -EEXIST;
  }
  names_.erase(from);
  names_[to] = object;
  if ((flags & RENAME_EXCHANGE) != 0) {
    names_[from] = replaced;
  }
  return 0;
}

int SimulatedStore::remove(const std::string& name, bool is_for_directories) {
  const ObjectPointer object = find_name(name);
  if (object == nullptr) {
    return -ENOENT;
  }
  if ((object->kind == SimulatedObject::Kind::directory) != is_for_directories) {
    return is_for_directories ? -ENOTDIR : -EISDIR;
  }
  names_.erase(name);
  return 0;
}

int SimulatedStore::link(const ObjectPointer& object, const std::string& name) {
  if (object == nullptr) {
    return -ENOENT;
  }
  if (object->kind == SimulatedObject::Kind::directory) {
    return -EPERM;
  }
  return names_.emplace(name, object).second ? 0 : -EEXIST;
}

int SimulatedStore::make_directory(const std::string& name) {
  auto object = std::make_shared<SimulatedObject>();
  object->kind = SimulatedObject::Kind::directory;
  return names_.emplace(name, std::move(object)).second ? 0 : -EEXIST;
}

Bytes pattern(std::size_t count, std::size_t offset) {
  Bytes bytes(count);
  for (std::size_t index = 0; index < count; ++index) {
    bytes[index] = pattern_byte(offset + index);
  }
  return bytes;
}

}  // namespace sluice::testing
