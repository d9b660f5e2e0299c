// What the operations of the simulated kernel do to files and names, and what it keeps for a ring:
// registered buffers and direct descriptors.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include "memory_pieces.hpp"
#include "simulated_ring.hpp"

namespace sluice::testing {
namespace {

// More than a test has use for, and less than the memory there is.
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 28;

// Looking at a path proves that it is still alive.
[[nodiscard]] std::string path_at(std::uint64_t address) {
  return reinterpret_cast<const char*>(address);
}

[[nodiscard]] bool is_file(const ObjectPointer& object) noexcept {
  return object != nullptr && object->kind == SimulatedObject::Kind::file;
}

}  // namespace

bool SimulatedRing::supports(Opcode opcode) const noexcept {
  return std::ranges::find(options_.missing, opcode) == options_.missing.end();
}

int SimulatedRing::register_buffers(std::span<const iovec> buffers) noexcept {
  if (!registered_buffers_.empty()) {
    return -EBUSY;
  }
  registered_buffers_.assign(buffers.begin(), buffers.end());
  return 0;
}

void SimulatedRing::unregister_buffers() noexcept {
  for (const Pending& operation : pending_) {
    require(operation.entry.opcode != Opcode::read_fixed &&
                operation.entry.opcode != Opcode::write_fixed,
            "registered buffers are let go of when no operation uses them");
  }
  registered_buffers_.clear();
}

bool SimulatedRing::is_in_registered_buffer(const Submission& entry) const noexcept {
  if (entry.buffer >= registered_buffers_.size()) {
    return false;
  }
  const iovec& buffer = registered_buffers_[entry.buffer];
  const auto first = reinterpret_cast<std::uint64_t>(buffer.iov_base);
  return entry.address >= first && entry.address + entry.length <= first + buffer.iov_len;
}

int SimulatedRing::register_direct_descriptors(unsigned count) noexcept {
  if (!direct_descriptors_.empty()) {
    return -EBUSY;
  }
  direct_descriptors_.resize(count);
  return count == 0 ? -EINVAL : 0;
}

void SimulatedRing::unregister_direct_descriptors() noexcept {
  require(direct_descriptors_open() == 0, "direct descriptors are closed before their table");
  direct_descriptors_.clear();
}

void SimulatedRing::close_direct_descriptor(unsigned slot) noexcept {
  require(slot < direct_descriptors_.size() && direct_descriptors_[slot] != nullptr,
          "a direct descriptor is closed once");
  direct_descriptors_[slot] = nullptr;
}

std::size_t SimulatedRing::direct_descriptors_open() const noexcept {
  return direct_descriptors_.size() -
         static_cast<std::size_t>(std::ranges::count(direct_descriptors_, nullptr));
}

SimulatedStore::Found SimulatedRing::find_descriptor(const Submission& entry) const noexcept {
  const bool closes_direct = entry.opcode == Opcode::close && entry.file_index > 0;
  if (!closes_direct && (entry.flags & kSubmissionFixedFile) == 0) {
    return store_.find(entry.fd);
  }
  const auto slot = static_cast<std::size_t>(closes_direct ? entry.file_index - 1 : entry.fd);
  const bool is_open = slot < direct_descriptors_.size() && direct_descriptors_[slot] != nullptr;
  return is_open ? SimulatedStore::Found{true, direct_descriptors_[slot]} : SimulatedStore::Found{};
}

// What finds no place is closed again, as in the real kernel.
std::int32_t SimulatedRing::install(ObjectPointer object) noexcept {
  const auto place = std::ranges::find(direct_descriptors_, nullptr);
  if (place == direct_descriptors_.end()) {
    return -ENFILE;
  }
  *place = std::move(object);
  return static_cast<std::int32_t>(place - direct_descriptors_.begin());
}

std::int32_t SimulatedRing::open_direct(const Submission& entry) noexcept {
  const std::int32_t fd = open_name(entry);
  if (fd < 0) {
    return fd;
  }
  const UniqueFd opened(fd);
  return install(store_.find(fd).object);
}

std::int32_t SimulatedRing::close(const Submission& entry) noexcept {
  if (entry.file_index > 0) {
    close_direct_descriptor(static_cast<unsigned>(entry.file_index - 1));
    return 0;
  }
  return ::close(entry.fd) == 0 ? 0 : -errno;
}

std::int32_t SimulatedRing::open_name(const Submission& entry) noexcept {
  const std::string path = path_at(entry.address);
  const open_how how = *reinterpret_cast<const open_how*>(entry.offset);
  ObjectPointer object = store_.find_name(path);
  if ((how.flags & O_TMPFILE) == O_TMPFILE) {
    object = SimulatedStore::make_file({});  // without a name
  } else if (object == nullptr && (how.flags & O_CREAT) != 0) {
    object = SimulatedStore::make_file({});
    store_.name(path, object);
  }
  if (object == nullptr || entry.length != sizeof(how)) {
    return object == nullptr ? -ENOENT : -EINVAL;
  }
  return store_.open(object).release();
}

std::int32_t SimulatedRing::read_file(const Pending& operation, std::size_t at_most) noexcept {
  const Submission& entry = operation.entry;
  if (operation.object == nullptr) {
    const auto count = ::read(entry.fd, reinterpret_cast<void*>(entry.address), entry.length);
    return count < 0 ? -errno : static_cast<std::int32_t>(count);
  }
  const Bytes& content = operation.object->content;
  if (entry.offset >= content.size()) {
    return 0;
  }
  const auto there = std::span(content).subspan(static_cast<std::size_t>(entry.offset));
  const std::size_t count =
      shorten(std::min({there.size(), total_bytes(operation.pieces), at_most}));
  scatter(there.first(count), operation.pieces);
  return static_cast<std::int32_t>(count);
}

std::int32_t SimulatedRing::write_file(const Pending& operation, std::size_t at_most) noexcept {
  const Submission& entry = operation.entry;
  if (operation.object != nullptr && operation.object->kind == SimulatedObject::Kind::stream) {
    return send(operation, at_most);
  }
  if (operation.object == nullptr) {
    return -EBADF;
  }
  Bytes& content = operation.object->content;
  const std::size_t count = shorten(std::min(total_bytes(operation.pieces), at_most));
  content.resize(std::max(content.size(), static_cast<std::size_t>(entry.offset) + count));
  std::ranges::copy(gather(operation.pieces, count),
                    content.begin() + static_cast<std::ptrdiff_t>(entry.offset));
  return static_cast<std::int32_t>(count);
}

std::int32_t SimulatedRing::allocate(const Pending& operation) noexcept {
  const Submission& entry = operation.entry;
  const std::uint64_t end = entry.offset + entry.address;
  if (!is_file(operation.object) || entry.address == 0) {
    return is_file(operation.object) ? -EINVAL : -EBADF;
  }
  if (end > kLargestFile) {
    return -EFBIG;
  }
  Bytes& content = operation.object->content;
  switch (entry.length) {
    case 0:
      content.resize(std::max<std::size_t>(content.size(), end));
      return 0;
    case FALLOC_FL_KEEP_SIZE:
      return 0;
    case FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE: {
      const auto from = std::min<std::size_t>(content.size(), entry.offset);
      const auto to = std::min<std::size_t>(content.size(), end);
      std::ranges::fill(std::span(content).subspan(from, to - from), std::byte{0});
      return 0;
    }
    default:
      return -EOPNOTSUPP;
  }
}

std::int32_t SimulatedRing::truncate(const Pending& operation) noexcept {
  if (!supports(Opcode::ftruncate) || !is_file(operation.object)) {
    return -EINVAL;
  }
  if (operation.entry.offset > kLargestFile) {
    return -EFBIG;
  }
  operation.object->content.resize(operation.entry.offset);
  return 0;
}

std::int32_t SimulatedRing::change_names(const Submission& entry) noexcept {
  const std::string name = path_at(entry.address);
  switch (entry.opcode) {
    case Opcode::renameat:
      return store_.rename(name, path_at(entry.offset), entry.operation_flags);
    case Opcode::unlinkat:
      return store_.remove(name, (entry.operation_flags & AT_REMOVEDIR) != 0);
    case Opcode::linkat: {
      const std::string open_file = "/proc/self/fd/";
      const ObjectPointer object =
          name.starts_with(open_file)
              ? store_.find(std::atoi(name.c_str() + open_file.size())).object
              : store_.find_name(name);
      return store_.link(object, path_at(entry.offset));
    }
    default:
      return store_.make_directory(name);
  }
}

std::int32_t SimulatedRing::tell_status(const Submission& entry) const noexcept {
  const ObjectPointer object = store_.find_name(path_at(entry.address));
  if (object == nullptr) {
    return -ENOENT;
  }
  auto& answer = *reinterpret_cast<struct statx*>(entry.offset);
  answer = {};
  answer.stx_mode = object->kind == SimulatedObject::Kind::directory ? S_IFDIR : S_IFREG;
  answer.stx_size = object->content.size();
  return 0;
}

}  // namespace sluice::testing
