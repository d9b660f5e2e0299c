// Apart from socket.cpp, because <netinet/tcp.h> has an older tcp_info that ends before the counts.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>

#include <sluice/listener.hpp>
#include <sluice/socket.hpp>

#include "accept_queue.hpp"

namespace sluice {

namespace {

// What the kernel told; nothing when the socket is not TCP.
socklen_t read_tcp_info(int fd, tcp_info& info) noexcept {
  socklen_t size = sizeof(info);
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? size : 0;
}

}  // namespace

// Of a listening socket, these members tell of its queue (tcp_get_info() in the kernel).
std::size_t Listener::waiting() const noexcept {
  tcp_info info{};
  return read_tcp_info(fd(), info) != 0 ? info.tcpi_unacked : 0;
}

std::size_t detail::accept_queue_limit(int listening_socket) noexcept {
  tcp_info info{};
  return read_tcp_info(listening_socket, info) != 0 ? info.tcpi_sacked : 0;
}

std::optional<StreamProgress> Socket::progress() const noexcept {
  tcp_info info{};
  const socklen_t size = read_tcp_info(fd(), info);
  if (size < offsetof(tcp_info, tcpi_busy_time) + sizeof(info.tcpi_busy_time)) {
    return std::nullopt;
  }
  return StreamProgress{.acknowledged_bytes = info.tcpi_bytes_acked,
                        .received_bytes = info.tcpi_bytes_received,
                        .busy = std::chrono::microseconds(info.tcpi_busy_time),
                        .is_outstanding = info.tcpi_unacked != 0 || info.tcpi_notsent_bytes != 0};
}

}  // namespace sluice
