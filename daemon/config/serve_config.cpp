#include "config/serve_config.hpp"

#include <algorithm>
#include <expected>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "config/validate.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

std::unexpected<std::vector<Diagnostic>> refused(std::string why) {
  Diagnostic diagnostic;
  diagnostic.message = std::move(why);
  return std::unexpected(std::vector{std::move(diagnostic)});
}

}  // namespace

std::expected<Config, std::vector<Diagnostic>> serve_config(const ServeOptions& options) {
  std::error_code error;
  const std::filesystem::path root = std::filesystem::canonical(options.directory, error);
  if (error) {
    const std::string flaw = error == std::errc::no_such_file_or_directory
                                 ? "does not exist"
                                 : "cannot be looked up: " + error.message();
    return refused("the root " +
                   text::in_quotes(options.directory.native(), text::kLongestQuotedPath) + ' ' +
                   flaw);
  }
  if (options.admin && collide(options.listen, *options.admin)) {
    return refused(text::in_quotes(to_string(options.listen)) +
                   " is the address of the admin listener: give another with --admin");
  }
  Config config;
  config.admin.listen = options.admin;
  Listener& listener = config.listeners.emplace_back();
  listener.name = "web";
  listener.address = options.listen;
  Site& site = config.sites.emplace_back();
  site.name = "_default";
  site.files = config.defaults;
  Mount& mount = site.mounts.emplace_back();
  mount.path = "/";
  mount.root = root.native();
  mount.listing = options.listing;
  mount.files = config.defaults;
  complete(config);

  std::vector<Diagnostic> found = check_environment(config);
  if (std::ranges::find(found, Severity::kError, &Diagnostic::severity) != found.end()) {
    return std::unexpected(std::move(found));
  }
  config.warnings = std::move(found);
  return config;
}

}  // namespace sluiced::config
