#pragma once

#include <string>

namespace sluiced::admin {

/// The page at /status: one document that loads nothing but /status.json, again and again.
struct StatusPage {
  std::string html;
  /// For Content-Security-Policy: its own style and script by their digests, requests to its own
  /// origin, and nothing else.
  std::string security_policy;
};

/// Puts the page together out of the files in admin/status_page/, which the program carries.
[[nodiscard]] StatusPage make_status_page();

}  // namespace sluiced::admin
