#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "http/request_head.hpp"
#include "http/response_head.hpp"

namespace sluiced::serve {

/// Which other origins may read what a mount serves: the CORS protocol of the Fetch standard
/// (section 3.2). A browser sends Origin, and shows a response to a script only if it names that
/// origin; before anything unusual it asks with OPTIONS, the preflight. A pure function.
class CorsRules {
 public:
  explicit CorsRules(const config::Cors& cors);

  [[nodiscard]] bool is_on() const noexcept { return allows_any_ || !origins_.empty(); }
  /// Whether every answer depends on Origin, also for caches: with a list of origins Vary has to
  /// say so even where no origin was sent.
  [[nodiscard]] bool varies_by_origin() const noexcept { return is_on() && !allows_any_; }
  /// Adds what the answer to `request` says to scripts.
  void add_fields(const http::RequestHead& request, http::RenderedFields& fields) const;
  /// Whether an OPTIONS request is a preflight.
  [[nodiscard]] static bool is_preflight(const http::RequestHead& request) noexcept;
  /// Adds what answers a preflight, besides add_fields(): nothing if it asks for what is not
  /// allowed, and the browser then gives up.
  void add_preflight_fields(const http::RequestHead& request, http::RenderedFields& fields) const;

 private:
  [[nodiscard]] bool allows_origin_of(const http::RequestHead& request) const;

  std::vector<std::string> origins_;
  std::vector<std::string> methods_;
  bool allows_any_ = false;
  bool credentials_ = false;
  std::string allowed_methods_;
  std::string allowed_headers_;
  std::string exposed_;
  std::string max_age_s_;
};

}  // namespace sluiced::serve
