#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "http/status.hpp"
#include "serve/cors.hpp"
#include "serve/redirects.hpp"

/// What the configuration says of a site or a mount, in the form in which requests need it. Made
/// once, then only read.
namespace sluiced::serve {

/// A file in place of the page for an error, read at the start: an error cannot cause another one.
struct ErrorPage {
  http::Status status;
  std::string_view content_type;
  std::string text;
};

class SiteRules {
 public:
  /// Reads the error pages. Blocks; for the start. A page that cannot be read, or is larger than
  /// config::kLargestErrorPage, is passed over: check_environment() has warned of it.
  explicit SiteRules(const config::Site& site);

  [[nodiscard]] const Redirects& redirects() const noexcept { return redirects_; }
  /// The answer to what no redirect and no mount takes.
  [[nodiscard]] http::Status otherwise() const noexcept { return otherwise_; }
  /// Null: the built-in page.
  [[nodiscard]] const ErrorPage* error_page(http::Status status) const noexcept;

 private:
  Redirects redirects_;
  http::Status otherwise_;
  std::vector<ErrorPage> error_pages_;
};

struct MountRules {
  explicit MountRules(const config::Mount& mount);

  CorsRules cors;
  std::string fallback;  // beneath the root; empty: none
  bool as_tar = false;
  bool as_zip = false;
};

}  // namespace sluiced::serve
