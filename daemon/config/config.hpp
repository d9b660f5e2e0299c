#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.hpp"
#include "config/diagnostic.hpp"

/// The configuration of sluiced as values: read once, validated, and never changed afterwards. The
/// defaults are written here and nowhere else. What every option means, in which unit, and within
/// which limits is in the tables of schema.cpp and in config/sluiced.yaml.
namespace sluiced::config {

struct Origin;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

/// What the whole process uses. Takes effect at start only.
struct Runtime {
  /// How many shards (thread, ring, executor); 0 is one per CPU, see worker_count().
  std::uint32_t workers = 0;
  std::uint32_t ring_entries = 4096;
  std::uint32_t max_open_files = 65536;
  std::uint32_t cached_files = 2048;
  std::chrono::milliseconds unwatched_file_age{0};
  /// `NAME` or `NAME:GROUP`, names or numbers: whom a process that root started goes over to.
  /// Nothing: nobody.
  std::optional<std::string> user{};

  friend bool operator==(const Runtime&, const Runtime&) = default;
};

enum class Landlock : std::uint8_t { kRequired, kBestEffort, kOff };

/// What the process may reach, once it serves (landlock(7)). Takes effect at start only.
struct Confinement {
  Landlock landlock = Landlock::kBestEffort;
  /// Directories beneath which roots may lie that a later configuration names.
  std::vector<std::string> readable{};

  friend bool operator==(const Confinement&, const Confinement&) = default;
};

/// The listener for operators, never meant for the public.
struct Admin {
  /// Nothing when it is switched off.
  std::optional<ListenAddress> listen = loopback_address(9180);
  bool metrics = true;
  bool health = true;
  bool status = true;

  friend bool operator==(const Admin&, const Admin&) = default;
};

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

enum class LogFormat : std::uint8_t { kText, kJson };

enum class AccessFormat : std::uint8_t { kCombined, kJson };

/// The log of requests.
struct AccessLog {
  /// `stderr`, or an absolute path; nothing when it is switched off.
  std::optional<std::string> target{};
  AccessFormat format = AccessFormat::kCombined;
  std::uint32_t queue = 8192;

  friend bool operator==(const AccessLog&, const AccessLog&) = default;
};

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  AccessLog access{};

  friend bool operator==(const Log&, const Log&) = default;
};

struct Listener {
  std::string name;
  ListenAddress address;
  std::uint32_t backlog = 4096;
  std::uint32_t max_connections = 20000;

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// Bounds on what one client may send.
struct Limits {
  std::uint64_t request_line = 8 * kKiB;
  std::uint64_t headers_total = 32 * kKiB;
  std::uint32_t header_count = 100;
  std::uint32_t requests_per_connection = 10000;
  std::uint32_t ranges = 16;
  std::uint64_t digest_file = 64 * kMiB;
  /// Of all listeners together, and of one address; nothing when they are switched off.
  std::optional<std::uint32_t> max_connections{};
  std::optional<std::uint32_t> max_connections_per_address{};

  friend bool operator==(const Limits&, const Limits&) = default;
};

/// How slowly a body may be moved.
struct MinRate {
  std::uint64_t bytes_per_second = 256;  // 0: as slowly as the stall times allow
  std::chrono::milliseconds grace = std::chrono::seconds(30);

  friend bool operator==(const MinRate&, const MinRate&) = default;
};

/// Those that can be switched off hold nothing when they are.
struct Timeouts {
  std::chrono::milliseconds header = std::chrono::seconds(10);
  std::optional<std::chrono::milliseconds> idle = std::chrono::seconds(60);
  std::optional<std::chrono::milliseconds> read_stall = std::chrono::seconds(30);
  std::optional<std::chrono::milliseconds> write_stall = std::chrono::seconds(30);
  std::optional<std::chrono::milliseconds> drain = std::chrono::seconds(30);
  MinRate min_rate{};

  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class Hidden : std::uint8_t { kDeny, kAllow };
enum class Symlinks : std::uint8_t { kNone, kBeneath, kFollow };

using TextMap = std::map<std::string, std::string, std::less<>>;

/// Fields added to the responses that carry a file whose path fits; see http::HeaderRules.
struct HeaderRule {
  std::string match;
  TextMap set;
  std::vector<std::string> unset;

  friend bool operator==(const HeaderRule&, const HeaderRule&) = default;
};

/// How files are served. Set in `defaults`, overridden by a site, and that by a mount.
struct FileOptions {
  /// Tried in this order when a directory is asked for; may be empty.
  std::vector<std::string> index{"index.html"};
  Hidden hidden = Hidden::kDeny;
  Symlinks symlinks = Symlinks::kBeneath;
  /// The charset of text types; nothing leaves it out of Content-Type.
  std::optional<std::string> charset = "utf-8";
  /// Extensions of precompressed siblings, the preferred first: zst, br, gz. None by default:
  /// "a.tar.gz" beside "a.tar" need not be the same thing.
  std::vector<std::string> sidecars{};
  /// Those of `defaults` first, then those of the site, then those of the mount.
  std::vector<HeaderRule> headers{};
  /// By extension, in lower case and without dot. A mount's go over a site's, and so on.
  TextMap types{};
  bool digest = false;

  friend bool operator==(const FileOptions&, const FileOptions&) = default;
};

/// Which pages of other origins may read what a mount serves (the Fetch standard's CORS protocol).
struct Cors {
  /// `https://app.example.org`, or `*` alone; none: no other origin may.
  std::vector<std::string> origins;
  std::vector<std::string> methods{"GET", "HEAD"};
  std::vector<std::string> headers;  ///< Request fields beyond those that are always allowed.
  std::vector<std::string> expose;   ///< Response fields that scripts may read.
  std::chrono::milliseconds max_age = std::chrono::minutes(10);  ///< Sent in whole seconds.
  bool credentials = false;

  friend bool operator==(const Cors&, const Cors&) = default;
};

/// One directory, seen under one path of a site. The longest path that fits a request wins.
struct Mount {
  std::string path;  ///< Begins and ends in '/'; compared with the decoded, normalised path.
  std::string root;  ///< Absolute.
  bool listing = false;
  FileOptions files;  ///< With everything inherited filled in.
  /// The file, "/index.html" beneath the root, that is served where there is nothing.
  std::optional<std::string> fallback;
  std::vector<std::string> archive;  ///< "tar" and "zip": what a directory can be had as.
  Cors cors;

  friend bool operator==(const Mount&, const Mount&) = default;
};

enum class RedirectStatus : std::uint8_t { k301, k302, k307, k308 };

/// Another place for a path, or with a `*` at the end of `from` for all that begin so. A `*` at the
/// end of `to` stands for the rest.
struct Redirect {
  std::string from;  ///< Decoded and normalised, as the path of a mount.
  std::string to;    ///< A path, or an http or https URL; goes into Location as it is.
  RedirectStatus status = RedirectStatus::k301;

  friend bool operator==(const Redirect&, const Redirect&) = default;
};

/// Files that take the place of the pages for errors; an empty name leaves ours.
struct ErrorPages {
  std::string forbidden;
  std::string not_found;
  std::string method_not_allowed;
  std::string gone;
  std::string internal_server_error;
  std::string service_unavailable;

  friend bool operator==(const ErrorPages&, const ErrorPages&) = default;
};
constexpr std::uint64_t kLargestErrorPage = 256 * kKiB;

/// One of them: the key that it has in the file, and the member.
struct ErrorPageKey {
  unsigned status;
  std::string_view key;
  std::string ErrorPages::* file;
};
constexpr std::array<ErrorPageKey, 6> kErrorPageKeys{{
    {403, "403", &ErrorPages::forbidden},
    {404, "404", &ErrorPages::not_found},
    {405, "405", &ErrorPages::method_not_allowed},
    {410, "410", &ErrorPages::gone},
    {500, "500", &ErrorPages::internal_server_error},
    {503, "503", &ErrorPages::service_unavailable},
}};

/// The answer to requests that no redirect and no mount of a site takes.
enum class Respond : std::uint8_t { k403, k404, k410, k421, k503 };

struct Site {
  std::string name;
  /// Lower case; exact names or `*.example.org`, which stands for any number of labels before it.
  std::vector<std::string> hosts;
  /// Names of listeners; those of all when the file names none.
  std::vector<std::string> listeners;
  FileOptions files;  ///< With everything inherited filled in.
  std::vector<Mount> mounts;
  std::vector<Redirect> redirects;
  ErrorPages errors;
  Respond respond = Respond::k404;

  /// Whether the site answers requests for hosts that no other site names.
  [[nodiscard]] bool takes_any_host() const noexcept { return hosts.empty() || name == "_default"; }

  friend bool operator==(const Site&, const Site&) = default;
};

/// Bounds on the listings of directories.
struct Listings {
  /// The most entries that are sorted, and so held in memory; what streams unsorted has no bound.
  std::uint32_t max_entries = 50000;

  friend bool operator==(const Listings&, const Listings&) = default;
};

/// Bounds on the archives of directories.
struct Archives {
  std::uint32_t max_concurrent = 4;  ///< In the whole process; one more is answered with 503.
  std::uint32_t max_entries = 100000;

  friend bool operator==(const Archives&, const Archives&) = default;
};

struct Config {
  Runtime runtime;
  Confinement confinement;
  Admin admin;
  Log log;
  std::vector<Listener> listeners;
  Limits limits;
  Timeouts timeouts;
  Listings listings;
  Archives archives;
  FileOptions defaults;
  std::vector<Site> sites;

  /// Where the values stood; null for a configuration that no file holds.
  std::shared_ptr<const Origin> origin;
  /// What the loader found unwise but not wrong. Whoever loads it shows them once.
  std::vector<Diagnostic> warnings;
};

}  // namespace sluiced::config
