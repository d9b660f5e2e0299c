// The tables of all options: one per section, one row per key. A key exists because it has a row
// here or in schema_sites.cpp; its default is the initial value of the member that the row names
// (config.hpp).

#include "config/schema.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/schema_rows.hpp"

namespace sluiced::config {
namespace {

using namespace schema;
using std::chrono::milliseconds;

constexpr std::uint64_t kMostDescriptors = 1U << 30U;

constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
constexpr std::array<std::string_view, 2> kAccessFormats{"combined", "json"};
constexpr std::array<std::string_view, 3> kLandlockChoices{"required", "best_effort", "off"};

constexpr std::array kConfigFields{
    row<&Config::runtime>("runtime", section(),
                          "What the process uses; takes effect at a start only."),
    row<&Config::confinement>("confinement", section(),
                              "What the process may reach; takes effect at a start only."),
    row<&Config::admin>("admin", section(), "The listener for operators."),
    row<&Config::log>("log", section(), "What is written to standard error."),
    row<&Config::listeners>("listeners", list_of(1, 64, section()), "Where connections come in.",
                            Presence::kRequired),
    row<&Config::limits>("limits", section(), "Bounds on what one client may send."),
    row<&Config::timeouts>("timeouts", section(), "How long to wait for what."),
    row<&Config::listings>("listings", section(), "Bounds on the listings of directories."),
    row<&Config::archives>("archives", section(), "Bounds on the archives of directories."),
    row<&Config::defaults>("defaults", section(), "Merged into every site; the site wins."),
    row<&Config::sites>("sites", list_of(1, 1000, section()), "What is served, and to whom.",
                        Presence::kRequired),
};

constexpr std::array kRuntimeFields{
    row<&Runtime::workers>("workers", or_word("auto", integer(1, 1024)),
                           "Shards (thread, ring and executor); auto is one for each CPU that the "
                           "process may run on."),
    row<&Runtime::ring_entries>("ring_entries", integer(64, 32768),
                                "Submission entries of each ring, a power of two."),
    row<&Runtime::max_open_files>("max_open_files", integer(64, kMostDescriptors),
                                  "The soft limit on descriptors (RLIMIT_NOFILE) is raised to "
                                  "this, as far as the hard limit allows."),
    row<&Runtime::cached_files>("cached_files", integer(0, 1'000'000),
                                "Files kept open for the next request, on all shards together; 0 "
                                "keeps none."),
    row<&Runtime::unwatched_file_age>("unwatched_file_age", duration(milliseconds(0)),
                                      "How long a kept file is served without looking again where "
                                      "the file system does not tell of changes, such as NFS; 0s "
                                      "keeps none there."),
    row<&Runtime::user>("user", or_word("off", text("NAME or NAME:GROUP", check_user)),
                        "NAME or NAME:GROUP: who serves, when root has started sluiced. It binds "
                        "the listeners first. --user wins."),
};

constexpr std::array kConfinementFields{
    row<&Confinement::landlock>(
        "landlock", choice(kLandlockChoices),
        "Whether the kernel is asked to keep sluiced to the directories that it serves: required "
        "does not start without, best_effort warns, off does not ask."),
    row<&Confinement::readable>(
        "readable", list_of(0, 64, text("an absolute path", check_root)),
        "Directories that may be read beside the roots: where a later configuration may have "
        "roots, and where links may lead with symlinks: follow."),
};

constexpr std::array kAdminFields{
    row<&Admin::listen>("listen", or_word("off", address()),
                        "The address of the admin listener, or off. Keep it on loopback or a unix "
                        "socket: it asks nobody who they are. Takes effect at a start only."),
    row<&Admin::metrics>("metrics", boolean(), "Serve /metrics."),
    row<&Admin::health>("health", boolean(), "Serve /livez and /readyz."),
    row<&Admin::status>("status", boolean(),
                        "Serve /status and /status.json, which tell who is connected and which "
                        "paths are being sent."),
};

constexpr std::array kLogFields{
    row<&Log::level>("level", choice(kLogLevels), "The least severe messages that are written."),
    row<&Log::format>("format", choice(kLogFormats),
                      "text, or json: one object per line. In the journal a line begins with its "
                      "priority, and has no time."),
    row<&Log::access>("access", section(), "The log of requests."),
};

constexpr std::array kAccessLogFields{
    row<&AccessLog::target>("target", or_word("off", text("stderr or a path", check_log_target)),
                            "stderr, the absolute path of a file, or off. A file is opened again "
                            "at SIGUSR1."),
    row<&AccessLog::format>("format", choice(kAccessFormats),
                            "combined, as other servers write it, or json: one object per line."),
    row<&AccessLog::queue>("queue", integer(16, 1'000'000),
                           "Lines of one shard that wait to be written; more are dropped and "
                           "counted."),
};

constexpr std::array kListenerFields{
    row<&Listener::name>("name", kNameType, "What sites and metrics call it.", Presence::kRequired),
    row<&Listener::address>("address", address(),
                            "1.2.3.4:80, [2001:db8::1]:80, :80 for every IPv4 and IPv6 address, or "
                            "unix:/path.",
                            Presence::kRequired),
    row<&Listener::backlog>("backlog", integer(1, 65535),
                            "Connections the kernel holds ready to be accepted (net.core.somaxconn "
                            "caps it)."),
    row<&Listener::max_connections>("max_connections", integer(1, 10'000'000),
                                    "Connections open at the same time."),
};

constexpr std::array kLimitsFields{
    row<&Limits::request_line>("request_line", size(256, 64 * kKiB),
                               "The longest request line; a longer one is answered with 414."),
    row<&Limits::headers_total>("headers_total", size(kKiB, kMiB),
                                "The longest header section; a longer one is answered with 431."),
    row<&Limits::header_count>("header_count", integer(1, 10'000),
                               "The most fields in a request; more are answered with 431."),
    row<&Limits::requests_per_connection>("requests_per_connection", integer(1, 1'000'000'000),
                                          "After so many the connection is closed."),
    row<&Limits::ranges>("ranges", integer(1, 64),
                         "The most ranges of a request; with more, all of the file is sent."),
    row<&Limits::digest_file>("digest_file", size(0, kMiB* kMiB),
                              "The largest file whose SHA-256 is computed; larger ones are sent "
                              "without it."),
    row<&Limits::max_connections>("max_connections", or_word("off", integer(1, 10'000'000)),
                                  "Connections of all listeners together. Near any limit the "
                                  "idlest and slowest give way to new ones."),
    row<&Limits::max_connections_per_address>(
        "max_connections_per_address", or_word("off", integer(1, 10'000'000)),
        "Connections of one client address, or of one IPv6 network (/64); more are closed."),
};

constexpr std::array kTimeoutsFields{
    row<&Timeouts::header>("header", duration(milliseconds(1)),
                           "From the first byte of a request to the end of its header section."),
    row<&Timeouts::idle>("idle", or_word("off", duration(milliseconds(1))),
                         "Between two requests of a connection."),
    row<&Timeouts::read_stall>("read_stall", or_word("off", duration(milliseconds(1))),
                               "Without a byte received while one is awaited; progress resets it."),
    row<&Timeouts::write_stall>("write_stall", or_word("off", duration(milliseconds(1))),
                                "Without a byte taken by the client; progress resets it."),
    row<&Timeouts::min_rate>("min_rate", section(), "How slowly a body may be moved."),
    row<&Timeouts::drain>("drain", or_word("off", duration(milliseconds(0))),
                          "After SIGTERM: how long running requests may take; off waits for all."),
};
constexpr std::array kMinRateFields{
    row<&MinRate::bytes_per_second>("bytes_per_second", size(0, 1024 * kMiB),
                                    "Who takes or sends a body more slowly is cut off; 0 lets "
                                    "everybody live who does not stall."),
    row<&MinRate::grace>("grace", duration(milliseconds(100)),
                         "How long a body may be slow at first. Then each half of this time is "
                         "measured by itself."),
};

constexpr std::array kListingsFields{
    row<&Listings::max_entries>("max_entries", integer(1, 10'000'000),
                                "The most entries of a directory that are sorted; a listing of "
                                "more says that it is not complete. Unsorted ndjson and text have "
                                "no bound."),
};

constexpr std::array kArchivesFields{
    row<&Archives::max_concurrent>("max_concurrent", integer(1, 1000),
                                   "Archives made at the same time; one more is answered with "
                                   "503."),
    row<&Archives::max_entries>("max_entries", integer(1, 100'000'000),
                                "The most files and directories in an archive; one with more is "
                                "cut off, so that nobody takes it for whole."),
};

}  // namespace

template <>
std::span<const Field<Config>> fields_of<Config>() {
  return kConfigFields;
}
template <>
std::span<const Field<Runtime>> fields_of<Runtime>() {
  return kRuntimeFields;
}
template <>
std::span<const Field<Confinement>> fields_of<Confinement>() {
  return kConfinementFields;
}
template <>
std::span<const Field<Admin>> fields_of<Admin>() {
  return kAdminFields;
}
template <>
std::span<const Field<Log>> fields_of<Log>() {
  return kLogFields;
}
template <>
std::span<const Field<AccessLog>> fields_of<AccessLog>() {
  return kAccessLogFields;
}
template <>
std::span<const Field<MinRate>> fields_of<MinRate>() {
  return kMinRateFields;
}
template <>
std::span<const Field<Listener>> fields_of<Listener>() {
  return kListenerFields;
}
template <>
std::span<const Field<Limits>> fields_of<Limits>() {
  return kLimitsFields;
}
template <>
std::span<const Field<Timeouts>> fields_of<Timeouts>() {
  return kTimeoutsFields;
}

template <>
std::span<const Field<Listings>> fields_of<Listings>() {
  return kListingsFields;
}
template <>
std::span<const Field<Archives>> fields_of<Archives>() {
  return kArchivesFields;
}

void read_config(const YamlNode& document, Problems& problems, Places& places, Config& out) {
  Reader(problems, places).read_section(document, "", out);
}

}  // namespace sluiced::config
