#pragma once

#include <utility>

#include <sluice/descriptor.hpp>
#include <sluice/detail/api.hpp>
#include <sluice/direct_files.hpp>
#include <sluice/request.hpp>
#include <sluice/unique_fd.hpp>

namespace sluice {

/// What File, Socket and DatagramSocket have in common: each owns one descriptor, of the process or
/// a direct one, must outlive every operation on it, and can be moved while there is none.
class SLUICE_API DescriptorOwner {
 public:
  /// Whether it holds a descriptor.
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(owned_); }
  /// What requests are made with.
  [[nodiscard]] Descriptor descriptor() const noexcept { return owned_.get(); }
  /// The number for system calls, which stays its own; -1 when it is not open or has a direct
  /// descriptor.
  [[nodiscard]] int fd() const noexcept { return owned_.fd(); }
  /// Gives the descriptor away; nothing when it is a direct one, which stays.
  [[nodiscard]] UniqueFd release() noexcept { return owned_.take_fd(); }

  /// Closes it without waiting on this thread, and tells what close(2) says: a network file system
  /// reports the failure of earlier writes there. Nothing is open from this call on, and the
  /// descriptor is closed whatever the result. Not cancellable, so that cancelled work can still
  /// close what it has open. The destructor closes too, on the spot and without a word. No other
  /// operation may be in flight on it. Linux 5.6; of a direct descriptor 5.15.
  [[nodiscard]] Operation<OwnedCloseRequest> close() noexcept {
    return Operation(OwnedCloseRequest(std::exchange(owned_, OwnedDescriptor())));
  }

 protected:
  /// Owns nothing.
  DescriptorOwner() noexcept = default;
  /// Takes over a descriptor of the process.
  explicit DescriptorOwner(UniqueFd fd) noexcept : owned_(std::move(fd)) {}
  /// Takes over a direct one.
  explicit DescriptorOwner(DirectDescriptor direct) noexcept : owned_(std::move(direct)) {}
  /// Moves while no operation is in flight.
  DescriptorOwner(DescriptorOwner&&) noexcept = default;
  DescriptorOwner& operator=(DescriptorOwner&&) noexcept = default;
  ~DescriptorOwner() = default;

 private:
  OwnedDescriptor owned_;
};

}  // namespace sluice
