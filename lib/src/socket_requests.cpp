#include <sluice/socket_requests.hpp>

#include <sys/socket.h>

namespace sluice {

SendRequest::SendRequest(int fd_in, std::span<const std::byte> buffer_in, int flags_in) noexcept
    : fd(fd_in), buffer(buffer_in), flags(flags_in | MSG_NOSIGNAL) {}

}  // namespace sluice
