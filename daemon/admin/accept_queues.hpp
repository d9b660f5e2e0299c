#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/family_list.hpp"

namespace sluiced::admin {

/// Connections that the kernel has made and nobody has accepted yet, and how many it keeps: a
/// client that comes when the queue is full is not answered and tries again a second later.
struct AcceptQueueDepth {
  std::uint32_t connections = 0;
  std::uint32_t limit = 0;  // of the backlog asked for and net.core.somaxconn the smaller one

  friend bool operator==(const AcceptQueueDepth&, const AcceptQueueDepth&) = default;
};

/// The accept queues of TCP listeners, read from the kernel (TCP_INFO, tcp(7)) when asked for.
///
/// It does not own the sockets, since one more descriptor would keep a port open that its shard has
/// closed. A number that has come to stand for another socket is told by the cookie that the kernel
/// gives each (SO_COOKIE, socket(7)): nothing needs to be said when a listener is closed, and it
/// does not matter on which thread that happens.
class AcceptQueues {
 public:
  /// From now on the queue of the listening socket `fd` is shown. A socket that has none that can
  /// be read, such as a unix socket, is left out. Not at the same time as append_to().
  void watch(std::string listener, std::string shard, int fd);
  /// The queues of the sockets that are still open, each by its listener and shard; shards that
  /// share a socket show the same queue.
  void append_to(FamilyList& families) const;

 private:
  struct Watched {
    std::string listener;
    std::string shard;
    int fd = -1;
    std::uint64_t cookie = 0;
  };
  [[nodiscard]] static std::optional<AcceptQueueDepth> depth_of(const Watched& watched) noexcept;

  std::vector<Watched> watched_;
};

}  // namespace sluiced::admin
