#include "admin/accept_queues.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace sluiced::admin {
namespace {

template <class Value>
std::optional<Value> option_of(int fd, int level, int name) noexcept {
  Value value{};
  socklen_t length = sizeof(value);
  if (::getsockopt(fd, level, name, &value, &length) != 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> cookie_of(int fd) noexcept {
  return option_of<std::uint64_t>(fd, SOL_SOCKET, SO_COOKIE);
}

}  // namespace

std::optional<AcceptQueueDepth> AcceptQueues::depth_of(const Watched& watched) noexcept {
  const auto info = option_of<tcp_info>(watched.fd, IPPROTO_TCP, TCP_INFO);
  // Asked afterwards: if the number still stands for that socket now, it did before.
  if (!info || info->tcpi_state != TCP_LISTEN || cookie_of(watched.fd) != watched.cookie) {
    return std::nullopt;
  }
  // What a listening socket has instead of segments under way.
  return AcceptQueueDepth{.connections = info->tcpi_unacked, .limit = info->tcpi_sacked};
}

void AcceptQueues::watch(std::string listener, std::string shard, int fd) {
  // A listener that is going, and whose name another one has taken over, is not shown any more.
  std::erase_if(watched_, [&](const Watched& watched) {
    return !depth_of(watched) || (watched.listener == listener && watched.shard == shard);
  });
  Watched added{std::move(listener), std::move(shard), fd, cookie_of(fd).value_or(0)};
  if (depth_of(added)) {
    watched_.push_back(std::move(added));
  }
}

void AcceptQueues::append_to(FamilyList& families) const {
  std::vector<std::pair<const Watched*, AcceptQueueDepth>> open;
  for (const Watched& watched : watched_) {
    if (const auto depth = depth_of(watched)) {
      open.emplace_back(&watched, *depth);
    }
  }
  families.begin_gauge("sluiced_listener_accept_queue_connections",
                       "Connections that wait in the kernel to be accepted, by TCP listener and "
                       "shard. Shards that share a socket show the same queue.");
  for (const auto& [watched, depth] : open) {
    families.sample(depth.connections,
                    {{"listener", watched->listener}, {"shard", watched->shard}});
  }
  families.begin_gauge("sluiced_listener_accept_queue_limit",
                       "How many connections the kernel keeps waiting there: the smaller one of "
                       "the listener's backlog and net.core.somaxconn. Beyond it clients are not "
                       "answered, and try again a second later.");
  for (const auto& [watched, depth] : open) {
    families.sample(depth.limit, {{"listener", watched->listener}, {"shard", watched->shard}});
  }
}

}  // namespace sluiced::admin
