// A server of one directory on the calling thread, without the process around it: for what is
// counted of a request, such as what it allocates and how many instructions it takes.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sluice/blocking_pool.hpp>
#include <sluice/executor.hpp>
#include <sluice/listener.hpp>
#include <sluice/socket_address.hpp>

#include "config/config.hpp"
#include "files/file_cache.hpp"
#include "observe/server_metrics.hpp"
#include "serve/digest_cache.hpp"
#include "serve/file_handler.hpp"
#include "serve/server.hpp"
#include "serve/site_table.hpp"

namespace sluiced::serve_test {

class HotServer {
 public:
  /// Serves `root` on a free port of the loopback, once run() is awaited.
  HotServer(sluice::Executor& executor, const std::string& root)
      : config_(config_of(root)),
        sites_(*serve::SiteTable::open(config_)),
        cache_(executor, {.max_files = 1024, .unwatched_age = {}}, metrics_.file_cache),
        digests_(pool_, metrics_.representations),
        server_(executor, make_handler(), config_, metrics_,
                *serve::Server::make_receive_buffers(executor.reactor(), metrics_)),
        socket_(*sluice::Listener::listen(*sluice::SocketAddress::ip("127.0.0.1", 0))),
        address_(*sluice::SocketAddress::local_of(socket_.get())) {}

  [[nodiscard]] sluice::Task<void> run() {
    serve::ListeningSocket listening{.fd = std::move(socket_), .name = "web"};
    listening.limit = std::make_shared<serve::ConnectionLimit>(10000, 1);
    std::vector<serve::ListeningSocket> sockets;
    sockets.push_back(std::move(listening));
    co_await server_.run(std::move(sockets));
  }
  void begin_drain() noexcept { server_.begin_drain(); }

  [[nodiscard]] const sluice::SocketAddress& address() const noexcept { return address_; }
  [[nodiscard]] const observe::ServerMetrics& metrics() const noexcept { return metrics_; }

 private:
  static config::Config config_of(const std::string& root) {
    config::Config config;
    config.listeners.resize(1);
    config.listeners[0].name = "web";
    config.limits.requests_per_connection = 1'000'000'000;
    config.sites.resize(1);
    config.sites[0].name = "files";
    config.sites[0].mounts.resize(1);
    config.sites[0].mounts[0].path = "/";
    config.sites[0].mounts[0].root = root;
    return config;
  }
  serve::HandlerRef make_handler() {
    const serve::FileHandler::Resources resources{cache_, digests_, pool_, metrics_, sites_};
    return serve::HandlerRef(std::make_unique<serve::FileHandler>(sites_, resources));
  }

  config::Config config_;
  std::shared_ptr<const serve::SiteTable> sites_;
  sluice::BlockingPool pool_{sluice::BlockingPoolOptions{.threads = 1}};
  observe::ServerMetrics metrics_;
  files::FileCache cache_;
  serve::DigestCache digests_;
  serve::Server server_;
  sluice::UniqueFd socket_;
  sluice::SocketAddress address_;
};

}  // namespace sluiced::serve_test
