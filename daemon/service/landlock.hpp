#pragma once

#include <cstdint>
#include <utility>

#include <sluice/result.hpp>
#include <sluice/unique_fd.hpp>

/// The three system calls of landlock(7), which the C library does not wrap: a process gives up,
/// for good and for the threads that it makes from then on, all that it has not allowed itself
/// before. What is already open stays usable.
namespace sluiced::service::landlock {

/// The newest version of the interface that anything here is made from. Each version can deny more
/// than the one before: 2 moving between directories, 3 truncating, 4 connecting by TCP, 5 ioctls
/// of devices, 6 abstract unix sockets and signals of others; 7 denies nothing new.
inline constexpr int kNewestAbi = 7;

/// What the kernel has, at most kNewestAbi. ENOSYS: it was built without; EOPNOTSUPP: it was booted
/// without; EPERM: a filter forbids the call.
[[nodiscard]] sluice::Result<int> abi_version() noexcept;

/// What may be done with a file, or with all beneath a directory: LANDLOCK_ACCESS_FS_* of
/// linux/landlock.h.
using Access = std::uint64_t;
inline constexpr Access kWriteFile = 1U << 1;
inline constexpr Access kReadFile = 1U << 2;
inline constexpr Access kReadDirectory = 1U << 3;
inline constexpr Access kRemoveFile = 1U << 5;
inline constexpr Access kMakeFile = 1U << 8;
inline constexpr Access kMakeSocket = 1U << 9;

/// Everything to do with files that version `abi` knows is denied but for what is allowed here, and
/// so is connecting by TCP, sending signals to processes outside, and connecting to abstract unix
/// sockets that were made outside.
class Ruleset {
 public:
  [[nodiscard]] static sluice::Result<Ruleset> create(int abi, bool may_reach_abstract_sockets);

  /// `file` is a descriptor of a directory, or of a file, for which only kReadFile and kWriteFile
  /// are taken from `access`. What has no place in a file system, such as a pipe, is EBADFD.
  [[nodiscard]] sluice::Result<void> allow(int file, Access access) const;
  /// From now on, for the calling thread. It must have given up new privileges (PR_SET_NO_NEW_PRIVS
  /// of prctl(2)).
  [[nodiscard]] sluice::Result<void> enforce() const;

 private:
  explicit Ruleset(sluice::UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  sluice::UniqueFd fd_;
};

}  // namespace sluiced::service::landlock
