#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/source.hpp"
#include "config/validate.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;

std::string reason(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

/// What keeps a directory from being served, or an empty text.
std::string flaw_of_root(const Mount& mount) {
  struct stat status{};
  if (::stat(mount.root.c_str(), &status) != 0) {
    const int error = errno;
    return error == ENOENT ? "does not exist" : "cannot be looked up: " + reason(error);
  }
  if (!S_ISDIR(status.st_mode)) {
    return "is not a directory";
  }
  // The effective user is the one that will open the files.
  if (::faccessat(AT_FDCWD, mount.root.c_str(), X_OK, AT_EACCESS) != 0) {
    return "cannot be entered: " + reason(errno);
  }
  if ((mount.listing || !mount.archive.empty()) &&
      ::faccessat(AT_FDCWD, mount.root.c_str(), R_OK, AT_EACCESS) != 0) {
    return "cannot be listed: " + reason(errno);
  }
  return {};
}

void check_mounts(const Config& config, const Places& places, Problems& problems) {
  for (std::size_t site = 0; site < config.sites.size(); ++site) {
    const std::string mounts = Reader::indexed("sites", site) + ".mounts";
    for (std::size_t index = 0; index < config.sites[site].mounts.size(); ++index) {
      const Mount& mount = config.sites[site].mounts[index];
      const std::string path = Reader::indexed(mounts, index) + ".root";
      // An empty root was refused, and reported, when it was read.
      if (mount.root.empty()) {
        continue;
      }
      if (const std::string flaw = flaw_of_root(mount); !flaw.empty()) {
        problems.error(places.find(path),
                       "the root " + in_quotes(mount.root, text::kLongestQuotedPath) + ' ' + flaw);
      } else if (mount.root.find_first_not_of('/') == std::string::npos) {
        problems.warning(places.find(path), "the root is '/': the whole file system is served");
      }
    }
  }
}

void check_readable(const Config& config, const Places& places, Problems& problems) {
  const std::vector<std::string>& readable = config.confinement.readable;
  for (std::size_t index = 0; index < readable.size(); ++index) {
    const std::string path = Reader::indexed("confinement.readable", index);
    struct stat status{};
    if (readable[index].empty()) {
      continue;
    }
    if (::stat(readable[index].c_str(), &status) != 0) {
      const int error = errno;
      problems.error(
          places.find(path),
          "the directory " + in_quotes(readable[index], text::kLongestQuotedPath) + ' ' +
              (error == ENOENT ? "does not exist" : "cannot be looked up: " + reason(error)));
    } else if (!S_ISDIR(status.st_mode)) {
      problems.error(places.find(path),
                     in_quotes(readable[index], text::kLongestQuotedPath) + " is not a directory");
    }
  }
}

/// What keeps the page for an error from being used, or an empty text.
std::string flaw_of_page(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    return "cannot be looked up: " + reason(errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return "is not a file";
  }
  if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0) {
    return "cannot be read: " + reason(errno);
  }
  return static_cast<std::uint64_t>(status.st_size) > kLargestErrorPage ? "is larger than 256KiB"
                                                                        : std::string();
}

// Only a warning: the page that takes its place says what the status says.
void check_error_pages(const Config& config, const Places& places, Problems& problems) {
  for (std::size_t site = 0; site < config.sites.size(); ++site) {
    const std::string errors = Reader::indexed("sites", site) + ".errors.";
    for (const ErrorPageKey& page : kErrorPageKeys) {
      const std::string& file = config.sites[site].errors.*page.file;
      const std::string flaw = file.empty() ? std::string() : flaw_of_page(file);
      if (!flaw.empty()) {
        problems.warning(places.find(errors + std::string(page.key)),
                         "the page " + in_quotes(file, text::kLongestQuotedPath) + ' ' + flaw +
                             ": the built-in page is served");
      }
    }
  }
}

void check_listeners(const Config& config, const Places& places, Problems& problems) {
  if (config.admin.listen && !config.admin.listen->is_local()) {
    problems.warning(places.find("admin.listen"),
                     "the admin listener " + in_quotes(to_string(*config.admin.listen)) +
                         " can be reached from other hosts, and asks nobody who they are");
  }
  std::uint64_t connections = 0;
  for (const Listener& listener : config.listeners) {
    connections += listener.max_connections;
  }
  if (connections > config.runtime.max_open_files) {
    problems.warning(places.find("runtime.max_open_files"),
                     "the max_connections of all listeners come to " + std::to_string(connections) +
                         ", but max_open_files is " +
                         std::to_string(config.runtime.max_open_files));
  }
}

}  // namespace

void check_environment(const Config& config, const Places& places, Problems& problems) {
  check_mounts(config, places, problems);
  check_readable(config, places, problems);
  check_error_pages(config, places, problems);
  check_listeners(config, places, problems);
}

std::vector<Diagnostic> check_environment(const Config& config) {
  const Origin nowhere;
  const Origin& origin = config.origin ? *config.origin : nowhere;
  Problems problems(origin.source);
  check_environment(config, origin.places, problems);
  return problems.take();
}

}  // namespace sluiced::config
