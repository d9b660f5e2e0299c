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

 private:
  friend class DirectFiles;
  friend class OwnedDescriptor;
  DirectDescriptor(DirectFiles& table, unsigned slot) noexcept : table_(&table), slot_(slot) {}
  DirectFiles* table_ = nullptr;
  unsigned slot_ = 0;
};

/// The table of direct descriptors of one ring (io_uring_register_files(3)): open files that live
/// in the ring and not in the process's descriptor table, so that opening, using and closing one
/// takes no lock that threads share. A file that is opened into it (File::open_direct,
/// Directory::open_direct) works with the operations of File, and a connection that is accepted or
/// made into it (Listener, Socket::connect) with those of Socket; see there for what they cannot
/// do. The kernel chooses the places. Linux 5.19 (IORING_FILE_INDEX_ALLOC), below the runtime's
/// floor.
///
/// The kernel drops a connection that it has accepted when the table has no place for it, and says
/// ENFILE (seen on Linux 6.18). So whatever will fill a place has one reserved for it while it is
/// in flight, and is not begun without.
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
  /// How many are neither taken nor reserved.
  [[nodiscard]] unsigned available() const noexcept {
    return slots_ - reserved_ - static_cast<unsigned>(in_use_.value());
  }

  // For requests.

  /// Sets free places aside for operations that are about to fill them. False, and nothing is
  /// reserved, when there are not as many.
  [[nodiscard]] bool reserve(unsigned count) noexcept {
    const bool is_granted = count <= available();
    reserved_ += is_granted ? count : 0;
    return is_granted;
  }
  /// Gives up reserved places: an operation has filled one, which adopt() takes over, or ended
  /// without.
  void unreserve(unsigned count) noexcept { reserved_ -= count; }
  /// Takes over the place that a completion names.
  [[nodiscard]] DirectDescriptor adopt(unsigned slot) noexcept;

 private:
  friend class DirectDescriptor;
  friend class OwnedDescriptor;
  DirectFiles(Ring& ring, unsigned slots) noexcept : ring_(ring), slots_(slots) {}

  Ring& ring_;
  unsigned slots_;
  unsigned reserved_ = 0;
  Gauge in_use_;
};

/// Owns a descriptor of either kind, or nothing. Which kind it is costs the operations no branch:
/// get() is a copy.
class SLUICE_API OwnedDescriptor {
 public:
  OwnedDescriptor() noexcept = default;
  /// Takes over a descriptor of the process.
  explicit OwnedDescriptor(UniqueFd fd) noexcept : descriptor_(fd.release()) {}
  /// Takes over a direct one.
  explicit OwnedDescriptor(DirectDescriptor direct) noexcept
      : descriptor_(direct.get()), table_(std::exchange(direct.table_, nullptr)) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, Descriptor())), table_(other.table_) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = std::exchange(other.descriptor_, Descriptor());
      table_ = other.table_;
    }
    return *this;
  }
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  ~OwnedDescriptor() { reset(); }

  /// Whether it holds either.
  [[nodiscard]] explicit operator bool() const noexcept { return descriptor_.number() >= 0; }
  /// What requests are made with; it stays the owner.
  [[nodiscard]] Descriptor get() const noexcept { return descriptor_; }
  /// The descriptor's number for system calls; -1 for a direct descriptor.
  [[nodiscard]] int fd() const noexcept {
    return descriptor_.is_direct() ? -1 : descriptor_.number();
  }
  /// Gives a descriptor of the process away; nothing, and no change, when it is a direct one.
  [[nodiscard]] UniqueFd take_fd() noexcept {
    return descriptor_.is_direct() ? UniqueFd()
                                   : UniqueFd(std::exchange(descriptor_, Descriptor()).number());
  }
  /// Gives whatever it owns away, to the operation that closes it. The place of a direct descriptor
  /// is reserved until that is complete: the caller gives it up to the table that is returned. Null
  /// for a descriptor of the process.
  [[nodiscard]] DirectFiles* release() noexcept;
  /// Closes whatever it owns, at once.
  void reset() noexcept {
    if (*this) {
      close_now();
    }
  }

 private:
  void close_now() noexcept;

  Descriptor descriptor_;
  DirectFiles* table_ = nullptr;  // of a direct descriptor
};

}  // namespace sluice
