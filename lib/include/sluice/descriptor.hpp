#pragma once

#include <cerrno>
#include <cstdint>

#include <sluice/ring.hpp>

namespace sluice {

/// Names what an operation acts on: a file descriptor of this process, or a direct descriptor,
/// which is a place in the table of one ring (DirectFiles) and means nothing to any system call or
/// to any other ring. A value: owns nothing. -1 names nothing, and operations on it end with EBADF.
class Descriptor {
 public:
  constexpr Descriptor() noexcept = default;
  // Implicit, so that a request takes either kind where it takes a number.
  /// A descriptor of the process.
  constexpr Descriptor(int fd) noexcept : number_(fd) {}
  /// A place in the table of direct descriptors of `ring`.
  [[nodiscard]] static constexpr Descriptor direct(const Ring& ring, unsigned slot) noexcept {
    Descriptor made(static_cast<int>(slot));
    made.ring_ = &ring;
    return made;
  }

  /// Whether it is a place in a table, and no number for system calls.
  [[nodiscard]] constexpr bool is_direct() const noexcept { return ring_ != nullptr; }
  /// The number, whichever kind it is.
  [[nodiscard]] constexpr int number() const noexcept { return number_; }
  /// What Submission::flags needs for it.
  [[nodiscard]] constexpr std::uint8_t submission_flags() const noexcept {
    return is_direct() ? kSubmissionFixedFile : std::uint8_t{0};
  }
  /// 0, or EBADF when it belongs to another ring, where its number names a different file.
  [[nodiscard]] int refusal(const Ring& ring) const noexcept {
    return is_direct() && ring_ != &ring ? EBADF : 0;
  }

 private:
  const Ring* ring_ = nullptr;
  int number_ = -1;
};

}  // namespace sluice
