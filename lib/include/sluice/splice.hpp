#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <sluice/awaitable.hpp>
#include <sluice/file_requests.hpp>

namespace sluice {

/// One end of a splice(). Without an offset, a file's own position is used and moved; a pipe or
/// socket has none, and an offset for one is ESPIPE.
struct SpliceEnd {
  /// A file, a socket or a pipe; one of the two ends is a pipe.
  Descriptor descriptor;
  /// Where in the file; nullopt for its own position, and for what has none.
  std::optional<std::uint64_t> offset{};
};

/// Moves up to `length` bytes between two descriptors, one of which is a pipe, without copying them
/// into this process (splice(2), Linux 5.7). `flags` as there: SPLICE_F_MORE ... May move fewer; 0
/// is the end of the input. EINVAL: neither is a pipe, or a file system that cannot.
///
/// It is seldom the fast way it looks like. The kernel always runs it on a worker thread, one
/// hand-off for each call; each transfer needs a pipe of its own, of 64 KiB unless told otherwise,
/// and a user has about a thousand before they shrink to a page (pipe-user-pages-soft, pipe(7)).
/// For a cached file to a socket, read and send, or Socket::try_send_file(), cost less. An end with
/// O_NONBLOCK set answers EAGAIN instead of waiting, as the sockets of this library are; wait for
/// readiness and try again. Cancelling interrupts a worker that waits: the result is ECANCELED, or
/// the count of what was moved by then.
[[nodiscard]] inline Operation<SpliceRequest> splice(SpliceEnd from, SpliceEnd to,
                                                     std::size_t length,
                                                     unsigned flags = 0) noexcept {
  return Operation(
      SpliceRequest(from.descriptor, from.offset, to.descriptor, to.offset, length, flags));
}

}  // namespace sluice
