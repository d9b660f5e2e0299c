#include "serve/redirects.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

namespace sluiced::serve {
namespace {

// In the order of config::RedirectStatus.
constexpr std::array kStatuses = {http::Status::moved_permanently, http::Status::found,
                                  http::Status::temporary_redirect,
                                  http::Status::permanent_redirect};

}  // namespace

Redirects::Redirects(const std::vector<config::Redirect>& redirects) {
  for (const config::Redirect& redirect : redirects) {
    Rule rule{kStatuses[static_cast<std::size_t>(redirect.status)], redirect.to};
    if (rule.to.ends_with("/*")) {
      rule.to.pop_back();
      rule.takes_rest = true;
    }
    const std::string from = redirect.from.substr(1);
    if (redirect.from.ends_with("/*")) {
      std::string prefix = from.substr(0, from.size() - 1);
      // The longest first, and of the same length the first one.
      const auto place =
          std::ranges::upper_bound(patterns_, prefix.size(), std::greater<>(),
                                   [](const Pattern& pattern) { return pattern.prefix.size(); });
      patterns_.insert(place, {std::move(prefix), std::move(rule)});
    } else {
      exact_.emplace(from, std::move(rule));
    }
  }
}

Redirects::Found Redirects::apply(const Rule& rule, std::string_view rest, const http::Path& path) {
  Found found{rule.status, rule.to};
  if (rule.takes_rest) {
    http::append_encoded(found.location, rest);
  }
  if (path.has_query) {
    found.location += rule.to.find('?') == std::string::npos ? '?' : '&';
    http::append_query(found.location, path.query);
  }
  return found;
}

std::optional<Redirects::Found> Redirects::find(const http::Path& path) const {
  std::string asked(path.is_root() ? std::string_view() : path.relative);
  if (path.ends_in_slash && !path.is_root()) {
    asked += '/';
  }
  if (const auto rule = exact_.find(asked); rule != exact_.end()) {
    return apply(rule->second, {}, path);
  }
  for (const Pattern& pattern : patterns_) {
    if (asked.starts_with(pattern.prefix)) {
      return apply(pattern.rule, std::string_view(asked).substr(pattern.prefix.size()), path);
    }
  }
  return std::nullopt;
}

}  // namespace sluiced::serve
