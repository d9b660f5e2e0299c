#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "config/diagnostic.hpp"
#include "config/validate.hpp"
#include "doctor/doctor.hpp"
#include "text/printable.hpp"

namespace sluiced::doctor {
namespace {

std::string shown(const std::filesystem::path& path) {
  return text::in_quotes(path.native(), text::kLongestQuotedPath);
}

bool may(const std::filesystem::path& path, int mode) {
  // The effective user is the one that opens the files.
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

/// The first directory on the way that this user cannot enter.
std::optional<std::filesystem::path> closed_directory(const std::filesystem::path& path) {
  std::filesystem::path way;
  for (const std::filesystem::path& part : path) {
    way /= part;
    if (!may(way, X_OK) && errno == EACCES) {
      return way;
    }
  }
  return std::nullopt;
}

std::string cure_of_root(const config::Mount& mount) {
  const std::filesystem::path root = mount.root;
  if (const auto closed = closed_directory(root)) {
    struct stat status{};
    ::stat(closed->c_str(), &status);
    return fmt::format(
        "{} has the mode {:04o} and belongs to user {}, group {}: let user {} in with chmod o+x or "
        "a group, or serve from elsewhere; a unit with ProtectHome= hides /home as well",
        shown(*closed), status.st_mode & 07777U, status.st_uid, status.st_gid, ::geteuid());
  }
  return fmt::format("make the directory, or correct the root of the mount {}",
                     text::in_quotes(mount.path));
}

/// Whether the directory is there and can be used as the mount wants it.
bool is_usable(const config::Mount& mount) {
  struct stat status{};
  const bool lists = mount.listing || !mount.archive.empty();
  return ::stat(mount.root.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         may(mount.root, lists ? R_OK | X_OK : X_OK);
}

void roots(const config::Config& config, Findings& out) {
  std::set<std::string> seen;
  for (const config::Site& site : config.sites) {
    for (const config::Mount& mount : site.mounts) {
      if (!seen.insert(mount.root).second) {
        continue;
      }
      if (is_usable(mount)) {
        out.push_back({Verdict::kOk, "root", shown(mount.root) + " can be entered"});
      } else {
        out.push_back({Verdict::kError, "root",
                       shown(mount.root) + " of site " + site.name + " cannot be served",
                       cure_of_root(mount)});
      }
    }
  }
}

}  // namespace

Findings examine_files(const config::Config& config) {
  Findings out;
  roots(config, out);
  // What `check` warns of: pages that are not there, a listener for operators that all can reach.
  for (const config::Diagnostic& found : config::check_environment(config)) {
    if (found.severity == config::Severity::kWarning) {
      out.push_back({Verdict::kWarning, "configuration", found.message});
    }
  }
  return out;
}

}  // namespace sluiced::doctor
