#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "http/status.hpp"
#include "http/target.hpp"

namespace sluiced::serve {

/// The redirects of one site: a pure function of the normalised path. A path wins over a pattern,
/// and the longest pattern over others.
class Redirects {
 public:
  explicit Redirects(const std::vector<config::Redirect>& redirects);

  struct Found {
    http::Status status;
    std::string location;
  };
  [[nodiscard]] std::optional<Found> find(const http::Path& path) const;
  [[nodiscard]] bool empty() const noexcept { return exact_.empty() && patterns_.empty(); }

 private:
  struct Rule {
    http::Status status;
    std::string to;           // without the "*"
    bool takes_rest = false;  // the rest of the path goes behind `to`
  };
  struct Pattern {
    std::string prefix;  // "old/" of "/old/*"
    Rule rule;
  };
  [[nodiscard]] static Found apply(const Rule& rule, std::string_view rest, const http::Path& path);

  std::map<std::string, Rule, std::less<>> exact_;  // by "old" of "/old", "old/" of "/old/"
  std::vector<Pattern> patterns_;                   // longest first
};

}  // namespace sluiced::serve
