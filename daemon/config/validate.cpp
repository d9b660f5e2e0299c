#include "config/validate.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.hpp"
#include "config/suggest.hpp"
#include "config/validate_site.hpp"
#include "http/header_rules.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

std::string path_of(std::string_view list, std::size_t index, std::string_view key) {
  return Reader::joined(Reader::indexed(std::string(list), index), key);
}

class Validator {
 public:
  Validator(const Config& config, const Places& places, Problems& problems)
      : config_(config), places_(places), problems_(problems) {
    for (std::size_t index = 0; index < config_.listeners.size(); ++index) {
      listener_names_.insert(config_.listeners[index].name);
      all_names_read_ = all_names_read_ && places_.has(path_of("listeners", index, "name"));
    }
  }

  void run() {
    check_runtime();
    check_listeners();
    check_sidecars(config_.defaults, "defaults");
    for (std::size_t index = 0; index < config_.sites.size(); ++index) {
      check_site(index);
    }
  }

 private:
  /// Values that must differ from each other, and where each was first seen.
  using Seen = std::map<std::string, Offset, std::less<>>;

  /// Which site answers for a host on a listener.
  struct Claim {
    std::size_t site = 0;
    Offset offset = kNowhere;
  };

  void report(const std::string& path, const std::string& what, Offset first = kNowhere) {
    std::string message = "'" + path + "': " + what;
    if (first != kNowhere) {
      message += " (first at line " + std::to_string(problems_.source().line_at(first)) + ')';
    }
    problems_.error(places_.find(path), std::move(message));
  }

  /// Reports a value that is not the first of its kind.
  void check_unique(Seen& seen, const std::string& value, const std::string& path,
                    std::string_view problem) {
    if (!places_.has(path)) {
      return;
    }
    const auto [first, is_new] = seen.try_emplace(value, places_.find(path));
    if (!is_new) {
      report(path, in_quotes(value) + ' ' + std::string(problem), first->second);
    }
  }

  void check_runtime() {
    const std::uint32_t entries = config_.runtime.ring_entries;
    if (!std::has_single_bit(entries)) {
      report("runtime.ring_entries", in_quotes(std::to_string(entries)) +
                                         " is not a power of two: the next is " +
                                         std::to_string(std::bit_ceil(entries)));
    }
  }

  void check_listeners() {
    Seen names;
    for (std::size_t index = 0; index < config_.listeners.size(); ++index) {
      const std::string path = Reader::indexed("listeners", index);
      check_unique(names, config_.listeners[index].name, path + ".name", "is taken as a name");
      check_address(index, path + ".address");
    }
  }

  void check_address(std::size_t index, const std::string& path) {
    const ListenAddress& address = config_.listeners[index].address;
    if (!places_.has(path)) {
      return;
    }
    // The admin listener has an address even where the file does not mention it.
    if (config_.admin.listen && collide(*config_.admin.listen, address)) {
      report(path, in_quotes(to_string(address)) + " is the address of the admin listener",
             places_.find("admin.listen"));
    }
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
      const Offset first = places_.find(path_of("listeners", earlier, "address"));
      if (first != kNowhere && collide(config_.listeners[earlier].address, address)) {
        report(path, in_quotes(to_string(address)) + " is taken by an earlier listener", first);
        return;
      }
    }
  }

  void check_site(std::size_t index) {
    const Site& site = config_.sites[index];
    const std::string path = Reader::indexed("sites", index);
    check_unique(site_names_, site.name, path + ".name", "is taken as a name");
    check_listener_names(site, path);
    check_sidecars(site.files, path);
    Seen hosts;
    for (std::size_t host = 0; host < site.hosts.size(); ++host) {
      check_unique(hosts, site.hosts[host], Reader::indexed(path + ".hosts", host),
                   "is named twice");
    }
    check_claims(index, path);
    Seen mount_paths;
    for (std::size_t mount = 0; mount < site.mounts.size(); ++mount) {
      check_unique(mount_paths, site.mounts[mount].path, path_of(path + ".mounts", mount, "path"),
                   "is mounted already");
      const std::string mount_path = Reader::indexed(path + ".mounts", mount);
      check_sidecars(site.mounts[mount].files, mount_path);
      check_headers(site.mounts[mount], mount_path);
    }
    validate_site_rules(site, path, places_, problems_);
  }

  /// Those that are inherited have no place here, and are passed over.
  void check_sidecars(const FileOptions& files, const std::string& path) {
    Seen seen;
    for (std::size_t index = 0; index < files.sidecars.size(); ++index) {
      check_unique(seen, files.sidecars[index], Reader::indexed(path + ".sidecars", index),
                   "is named twice");
    }
  }

  /// Each rule has been checked by itself; together they may be too many for a response.
  void check_headers(const Mount& mount, const std::string& path) {
    http::HeaderRules rules;
    for (const HeaderRule& rule : mount.files.headers) {
      if (rule.match.empty()) {
        continue;  // refused, and reported
      }
      if (const auto added = rules.add(rule.match, rule.set, rule.unset); !added) {
        report(path, added.error());
        return;
      }
    }
  }

  void check_listener_names(const Site& site, const std::string& path) {
    Seen seen;
    for (std::size_t index = 0; index < site.listeners.size(); ++index) {
      const std::string item = Reader::indexed(path + ".listeners", index);
      const std::string& name = site.listeners[index];
      check_unique(seen, name, item, "is named twice");
      // A listener whose name was refused may well be the one that is meant.
      if (places_.has(item) && all_names_read_ && !listener_names_.contains(name)) {
        report(item, in_quotes(name) + " is not the name of a listener" + advice(name));
      }
    }
  }

  [[nodiscard]] std::string advice(std::string_view name) const {
    const std::vector<std::string_view> known(listener_names_.begin(), listener_names_.end());
    const std::string_view meant = suggest(name, known);
    return meant.empty() ? std::string() : " (did you mean " + in_quotes(meant) + "?)";
  }

  /// Every host leads to one site on each listener, and so does the lack of a known host.
  void check_claims(std::size_t index, const std::string& path) {
    const Site& site = config_.sites[index];
    if (places_.was_refused(path + ".hosts") || places_.was_refused(path + ".listeners")) {
      return;
    }
    for (std::size_t host = 0; host < site.hosts.size(); ++host) {
      claim(index, site.hosts[host], Reader::indexed(path + ".hosts", host));
    }
    if (site.takes_any_host()) {
      claim(index, "", path + ".name");
    }
  }

  /// The empty host stands for all that no site names.
  void claim(std::size_t index, const std::string& host, const std::string& path) {
    if (!places_.has(path)) {
      return;
    }
    const std::vector<std::string>& listeners = config_.sites[index].listeners;
    const std::vector<std::string> all(listener_names_.begin(), listener_names_.end());
    for (const std::string& listener : listeners.empty() ? all : listeners) {
      if (!listener_names_.contains(listener)) {
        continue;
      }
      const auto [first, is_new] =
          claims_.try_emplace({listener, host}, Claim{index, places_.find(path)});
      if (!is_new && first->second.site != index) {
        const std::string what = host.empty() ? "requests for hosts that no site names go"
                                              : "the host " + in_quotes(host) + " leads";
        report(path, "on listener " + in_quotes(listener) + ' ' + what + " to another site already",
               first->second.offset);
        return;
      }
    }
  }

  const Config& config_;
  const Places& places_;
  Problems& problems_;
  std::set<std::string, std::less<>> listener_names_;
  bool all_names_read_ = true;
  Seen site_names_;
  std::map<std::pair<std::string, std::string>, Claim> claims_;
};

}  // namespace

void validate(const Config& config, const Places& places, Problems& problems) {
  Validator(config, places, problems).run();
}

void complete(Config& config) {
  for (Site& site : config.sites) {
    if (!site.listeners.empty()) {
      continue;
    }
    for (const Listener& listener : config.listeners) {
      site.listeners.push_back(listener.name);
    }
  }
}

}  // namespace sluiced::config
