// The kernel's queue of connections that a listening socket has and nobody has accepted.
#pragma once

#include <cstddef>

namespace sluice::detail {

/// How many connections it holds at most, of the backlog asked for and net.core.somaxconn the
/// smaller one; 0 for a socket that is not TCP, which does not tell.
[[nodiscard]] std::size_t accept_queue_limit(int listening_socket) noexcept;

}  // namespace sluice::detail
