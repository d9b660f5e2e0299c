#include "config/validate_site.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "config/reader.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

constexpr std::size_t kMostCorsBytes = 1024;

class SiteValidator {
 public:
  SiteValidator(const Places& places, Problems& problems) : places_(places), problems_(problems) {}

  void check(const Site& site, const std::string& path) {
    check_is_answered(site, path);
    for (std::size_t index = 0; index < site.redirects.size(); ++index) {
      check_redirect(site, index, Reader::indexed(path + ".redirects", index));
    }
    for (std::size_t index = 0; index < site.mounts.size(); ++index) {
      const std::string mount = Reader::indexed(path + ".mounts", index);
      check_archive(site.mounts[index], mount);
      check_cors(site.mounts[index].cors, mount + ".cors");
    }
  }

 private:
  void report(const std::string& path, const std::string& what) {
    problems_.error(places_.find(path), "'" + path + "': " + what);
  }

  void check_is_answered(const Site& site, const std::string& path) {
    if (!places_.has(path)) {
      return;  // it is no map, which has been said
    }
    const auto given = [this, &path](std::string_view key) {
      const std::string whole = Reader::joined(path, key);
      return places_.has(whole) || places_.was_refused(whole);
    };
    if (site.mounts.empty() && site.redirects.empty() && !given("mounts") && !given("redirects") &&
        !given("respond")) {
      report(path, "needs 'mounts', 'redirects' or 'respond': it has nothing to answer with");
    }
  }

  void check_redirect(const Site& site, std::size_t index, const std::string& path) {
    const Redirect& redirect = site.redirects[index];
    if (!places_.has(path + ".from") || !places_.has(path + ".to")) {
      return;
    }
    const auto first = std::ranges::find(site.redirects, redirect.from, &Redirect::from);
    if (first != site.redirects.begin() + static_cast<std::ptrdiff_t>(index)) {
      report(path + ".from", in_quotes(redirect.from) + " is redirected already");
    }
    const std::string_view from = redirect.from;
    const std::string_view to = redirect.to;
    const bool takes_all_below = from.ends_with("/*");
    if (to.ends_with("/*") && !takes_all_below) {
      report(path + ".to", in_quotes(to) + " takes a rest, but " + in_quotes(from) +
                               " leaves none: it does not end in /*");
    } else if (to == from || (takes_all_below && to.starts_with(from.substr(0, from.size() - 1)))) {
      report(path + ".to", in_quotes(to) + " is redirected by the same rule: it would never end");
    }
  }

  void check_archive(const Mount& mount, const std::string& path) {
    if (mount.archive.size() == 2 && mount.archive[0] == mount.archive[1] &&
        places_.has(path + ".archive[1]")) {
      report(path + ".archive[1]", in_quotes(mount.archive[1]) + " is named twice");
    }
  }

  // They are sent with every answer, in a head that has bounds.
  void check_cors_size(const Cors& cors, const std::string& path) {
    std::size_t bytes = 0;
    for (const auto* words : {&cors.methods, &cors.headers, &cors.expose}) {
      for (const std::string& word : *words) {
        bytes += word.size() + std::string_view(", ").size();
      }
    }
    if (bytes > kMostCorsBytes) {
      report(path, "has more than 1KiB of methods, headers and expose together");
    }
  }

  void check_cors(const Cors& cors, const std::string& path) {
    check_cors_size(cors, path);
    const auto any = std::ranges::find(cors.origins, "*");
    if (any == cors.origins.end()) {
      return;
    }
    const std::string item =
        Reader::indexed(path + ".origins", static_cast<std::size_t>(any - cors.origins.begin()));
    if (cors.origins.size() > 1) {
      report(item, "'*' stands for all origins: leave the others out");
    } else if (cors.credentials) {
      report(item, "'*' cannot go with credentials: browsers refuse it. Name the origins");
    }
  }

  const Places& places_;
  Problems& problems_;
};

}  // namespace

void validate_site_rules(const Site& site, const std::string& path, const Places& places,
                         Problems& problems) {
  SiteValidator(places, problems).check(site, path);
}

}  // namespace sluiced::config
