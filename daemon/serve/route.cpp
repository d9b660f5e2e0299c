#include "serve/route.hpp"

#include <algorithm>

namespace sluiced::serve {
namespace {

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Whether `host`, in any case and perhaps with the dot that ends a full name, is `lower`.
bool is_host(std::string_view host, std::string_view lower) noexcept {
  return std::equal(host.begin(), host.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

bool has_suffix(std::string_view host, std::string_view lower) noexcept {
  return host.size() > lower.size() && is_host(host.substr(host.size() - lower.size()), lower);
}

}  // namespace

Router::Router(const config::Config& config) {
  for (const config::Site& site : config.sites) {
    SiteRoute route;
    route.takes_any_host = site.takes_any_host();
    for (const std::string& host : site.hosts) {
      if (host.starts_with("*.")) {
        route.host_suffixes.push_back(host.substr(1));
      } else {
        route.exact_hosts.push_back(host);
      }
    }
    for (const config::Listener& listener : config.listeners) {
      route.listeners.push_back(site.listeners.empty() ||
                                std::ranges::find(site.listeners, listener.name) !=
                                    site.listeners.end());
    }
    for (const config::Mount& mount : site.mounts) {
      route.mounts.push_back({mount.path.substr(1), mounts_.size()});
      mounts_.push_back(&mount);
    }
    std::ranges::sort(route.mounts, [](const MountRoute& one, const MountRoute& other) {
      return one.prefix.size() > other.prefix.size();
    });
    sites_.push_back(std::move(route));
  }
  for (std::size_t listener = 0; listener < config.listeners.size(); ++listener) {
    only_sites_.push_back(find_only_site(listener));
  }
}

std::optional<std::size_t> Router::find_only_site(std::size_t listener) const {
  const auto is_there = [listener](const SiteRoute& site) {
    return bool{site.listeners[listener]};
  };
  const auto first = std::ranges::find_if(sites_, is_there);
  const bool is_only_one =
      first != sites_.end() && std::find_if(first + 1, sites_.end(), is_there) == sites_.end();
  return is_only_one && first->takes_any_host
             ? std::optional(static_cast<std::size_t>(first - sites_.begin()))
             : std::nullopt;
}

std::optional<std::size_t> Router::find_site(
    std::size_t listener, const std::optional<http::Authority>& authority) const {
  if (const auto only = only_sites_[listener]) {
    return only;
  }
  std::string_view host = authority ? authority->host : std::string_view();
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  const SiteRoute* wildcard = nullptr;
  std::size_t wildcard_bytes = 0;
  const SiteRoute* any = nullptr;
  for (const SiteRoute& site : sites_) {
    if (!site.listeners[listener]) {
      continue;
    }
    for (const std::string& exact : site.exact_hosts) {
      if (is_host(host, exact)) {
        return static_cast<std::size_t>(&site - sites_.data());
      }
    }
    for (const std::string& suffix : site.host_suffixes) {
      if (suffix.size() > wildcard_bytes && has_suffix(host, suffix)) {
        wildcard = &site;
        wildcard_bytes = suffix.size();
      }
    }
    if (site.takes_any_host && any == nullptr) {
      any = &site;
    }
  }
  const SiteRoute* found = wildcard != nullptr ? wildcard : any;
  return found == nullptr ? std::nullopt
                          : std::optional(static_cast<std::size_t>(found - sites_.data()));
}

std::optional<Route> Router::find_mount(std::size_t site, std::string_view relative) const {
  const std::string_view path = relative == "." ? std::string_view() : relative;
  for (const MountRoute& candidate : sites_[site].mounts) {
    const std::string_view prefix = candidate.prefix;
    const config::Mount* mount = mounts_[candidate.mount];
    if (prefix.empty() || path.starts_with(prefix)) {
      const std::string_view rest = path.substr(prefix.size());
      return Route{mount, candidate.mount, rest.empty() ? std::string_view(".") : rest, false};
    }
    if (path == prefix.substr(0, prefix.size() - 1)) {  // "a/b" for the mount "a/b/"
      return Route{mount, candidate.mount, ".", true};
    }
  }
  return std::nullopt;
}

}  // namespace sluiced::serve
