#pragma once

#include <memory>
#include <utility>

#include <sluice/descriptor.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/metrics.hpp>
#include <sluice/result.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

class DirectFiles;

/// Owns one direct descriptor and closes it (io_uring_register(2), IORING_REGISTER_FILES_UPDATE).
/// Its DirectFiles must outlive it, and it every operation on it, as with UniqueFd.
class SLUICE_API DirectDescriptor {
 public:
  DirectDescriptor() noexcept = default;
  DirectDescriptor(DirectDescriptor&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), slot_(other.slot_) {}
  DirectDescriptor& operator=(DirectDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      table_ = std::exchange(other.table_, nullptr);
      slot_ = other.slot_;
    }
    return *this;
  }
  DirectDescriptor(const DirectDescriptor&) = delete;
  DirectDescriptor& operator=(const DirectDescriptor&) = delete;
  ~DirectDescriptor() { reset(); }

  /// Whether it holds a place.
  [[nodiscard]] explicit operator bool() const noexcept { return table_ != nullptr; }
  /// Names nothing (-1) when nothing is owned.
  [[nodiscard]] Descriptor get() const noexcept;
  /// Closes the file and gives the place back.
  void reset() noexcept;
  /// Gives the place away, to the close operation that empties it.
  void release() noexcept;

 private:
  friend class DirectFiles;
  DirectDescriptor(DirectFiles& table, unsigned slot) noexcept : table_(&table), slot_(slot) {}
  DirectFiles* table_ = nullptr;
  unsigned slot_ = 0;
};

/// The table of direct descriptors of one ring (io_uring_register_files(3)): open files that live
/// in the ring and not in the process's descriptor table, so that opening, using and closing one
/// takes no lock that threads share. A file that is opened into it (File::open_direct,
/// Directory::open_direct) works with the operations of File; see there for what it cannot do. The
/// kernel chooses the places. Linux 5.19 (IORING_FILE_INDEX_ALLOC), below the runtime's floor.
///
/// One for each ring. Belongs to the ring's thread, and must be destroyed before the ring.
class SLUICE_API DirectFiles {
 public:
  /// A table of `slots` places, all free; at most 32768, and no more than RLIMIT_NOFILE (EMFILE).
  /// EBUSY: the ring has a table already. EINVAL: no places, or too many. Blocks; for start-up.
  [[nodiscard]] static Result<std::unique_ptr<DirectFiles>> create(Ring& ring, unsigned slots);
  DirectFiles(const DirectFiles&) = delete;
  DirectFiles& operator=(const DirectFiles&) = delete;
  /// Aborts if a direct descriptor is still owned.
  ~DirectFiles();

  /// The ring that the table belongs to.
  [[nodiscard]] const Ring& ring() const noexcept { return ring_; }
  /// How many places there are.
  [[nodiscard]] unsigned slots() const noexcept { return slots_; }
  /// How many of them are taken.
  [[nodiscard]] const Gauge& in_use() const noexcept { return in_use_; }

  /// Takes over the place that a completion names. For requests.
  [[nodiscard]] DirectDescriptor adopt(unsigned slot) noexcept;

 private:
  friend class DirectDescriptor;
  DirectFiles(Ring& ring, unsigned slots) noexcept : ring_(ring), slots_(slots) {}

  Ring& ring_;
  unsigned slots_;
  Gauge in_use_;
};

/// Owns a descriptor of either kind, or nothing.
class OwnedDescriptor {
 public:
  OwnedDescriptor() noexcept = default;
  /// Takes over a descriptor of the process.
  explicit OwnedDescriptor(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  /// Takes over a direct one.
  explicit OwnedDescriptor(DirectDescriptor direct) noexcept : direct_(std::move(direct)) {}

  /// Whether it holds either.
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ || direct_; }
  /// What requests are made with; it stays the owner.
  [[nodiscard]] Descriptor get() const noexcept {
    return direct_ ? direct_.get() : Descriptor(fd_.get());
  }
  /// The descriptor's number for system calls; -1 for a direct descriptor.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Gives a descriptor of the process away; nothing, and no change, when it is a direct one.
  [[nodiscard]] UniqueFd take_fd() noexcept { return std::move(fd_); }
  /// Gives whatever it owns away, to the operation that closes it.
  void release() noexcept {
    static_cast<void>(fd_.release());
    direct_.release();
  }

 private:
  UniqueFd fd_;
  DirectDescriptor direct_;
};

}  // namespace sluice
