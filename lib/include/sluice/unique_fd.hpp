#pragma once

#include <utility>

#include <sluice/detail/api.hpp>

namespace sluice {

/// Owns one file descriptor and closes it. A descriptor that the kernel hands out becomes a
/// UniqueFd the moment its completion is read, so that a result nobody takes closes itself.
///
/// Operations hold the descriptor's number, not a reference to the file: the owner must outlive
/// every operation on it (the kernel looks the number up when the entry is submitted, which is at
/// the end of the turn).
class SLUICE_API UniqueFd {
 public:
  UniqueFd() noexcept = default;
  /// Takes `fd` over; a negative one is none.
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset(std::exchange(other.fd_, -1));
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  /// The number, which stays its own; -1 when it owns none.
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Whether it owns a descriptor.
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what is owned and takes `fd`. close(2) frees the number even when it reports an error,
  /// so it is never retried.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace sluice
