#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "http/accept_encoding.hpp"
#include "http/header_rules.hpp"
#include "http/media_type.hpp"

namespace sluiced::serve {

/// How the files of one mount are represented: its options, made ready for requests. Made once,
/// then only read; all shards hold the same one.
class RepresentationRules {
 public:
  explicit RepresentationRules(const config::FileOptions& options);

  /// The Content-Type of a file. `storage` is used, and must live as long as what is returned,
  /// where the mount's charset is not that of the built-in types.
  [[nodiscard]] std::string_view content_type(std::string_view name, std::string& storage) const;

  /// Whether siblings are looked for at all.
  [[nodiscard]] bool has_sidecars() const noexcept { return !sidecars_.empty(); }
  /// The codings of siblings to look for, the preferred first. None for a file that is in one of
  /// them itself.
  [[nodiscard]] std::span<const http::ContentCoding> sidecars(std::string_view name) const;

  [[nodiscard]] const http::HeaderRules& headers() const noexcept { return headers_; }
  [[nodiscard]] bool sends_digests() const noexcept { return sends_digests_; }

 private:
  std::optional<std::string> charset_;
  http::MediaTypeOverrides types_;
  std::vector<http::ContentCoding> sidecars_;
  http::HeaderRules headers_;
  bool sends_digests_;
};

}  // namespace sluiced::serve
