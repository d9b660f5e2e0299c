#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "http/authority.hpp"

/// Which mount serves a request: a pure function of the configuration, the listener, the host and
/// the normalised path.
namespace sluiced::serve {

/// One mount as routing sees it.
struct MountRoute {
  std::string prefix;     // "" for the whole site, else "a/b/": compared with Path::relative
  std::size_t mount = 0;  // index into Router::mounts()
};

/// Where a request goes.
struct Route {
  const config::Mount* mount = nullptr;
  std::size_t mount_index = 0;
  std::string_view rest;     // the path beneath the mount's root; "." for the root itself
  bool needs_slash = false;  // the mount's own path without its slash: redirect
};

/// Built once from a configuration, then only read; shards share it.
class Router {
 public:
  explicit Router(const config::Config& config);

  /// All mounts of all sites; a Route's mount_index points in here.
  [[nodiscard]] const std::vector<const config::Mount*>& mounts() const noexcept { return mounts_; }

  /// The site for a request on listener `listener` (its index in the configuration): its index
  /// there. Nothing when no site takes the host.
  [[nodiscard]] std::optional<std::size_t> find_site(
      std::size_t listener, const std::optional<http::Authority>& authority) const;
  /// The mount of a site, or nothing when none takes the path. `relative` is Path::relative.
  [[nodiscard]] std::optional<Route> find_mount(std::size_t site, std::string_view relative) const;

 private:
  struct SiteRoute {
    std::string_view name;
    std::vector<std::string> exact_hosts;    // lower case
    std::vector<std::string> host_suffixes;  // ".example.org" of "*.example.org"
    bool takes_any_host = false;
    std::vector<bool> listeners;     // by index
    std::vector<MountRoute> mounts;  // longest prefix first
  };
  [[nodiscard]] std::optional<std::size_t> find_only_site(std::size_t listener) const;

  std::vector<const config::Mount*> mounts_;
  std::vector<SiteRoute> sites_;
  // By listener: the site that answers there whatever the host is, since it takes any and no other
  // one is there.
  std::vector<std::optional<std::size_t>> only_sites_;
};

}  // namespace sluiced::serve
