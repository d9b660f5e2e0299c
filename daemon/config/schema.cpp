// The tables of all options: one per section, one row per key. A key exists because it has a row
// here; its default is the initial value of the member that the row names (config.hpp).

#include "config/schema.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/representation_options.hpp"
#include "config/text_rules.hpp"

namespace sluiced::config {

// What is inherited. It has been read by then: the tables below name the sources first.
template <>
Site new_element<Site>(const Config& config) {
  Site site;
  site.files = config.defaults;
  return site;
}
template <>
Mount new_element<Mount>(const Site& site) {
  Mount mount;
  mount.files = site.files;
  return mount;
}

namespace {

using Kind = ValueType::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMostDescriptors = 1U << 30U;
constexpr milliseconds kLongestTimeout = hours(24);

constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kHiddenChoices{"deny", "allow"};
constexpr std::array<std::string_view, 2> kSymlinkChoices{"none", "beneath"};

// What values may be.

constexpr ValueType boolean() { return {.kind = Kind::kBoolean, .expected = "true or false"}; }

constexpr ValueType number(Kind kind, std::string_view expected, std::uint64_t minimum,
                           std::uint64_t maximum) {
  return {.kind = kind, .expected = expected, .minimum = minimum, .maximum = maximum};
}

constexpr ValueType integer(std::uint64_t minimum, std::uint64_t maximum) {
  return number(Kind::kInteger, "a whole number", minimum, maximum);
}

constexpr ValueType size(std::uint64_t minimum, std::uint64_t maximum) {
  return number(Kind::kSize, "a size such as 8KiB", minimum, maximum);
}

constexpr ValueType duration(milliseconds minimum) {
  return number(Kind::kDuration, "a time such as 10s", static_cast<std::uint64_t>(minimum.count()),
                static_cast<std::uint64_t>(kLongestTimeout.count()));
}

constexpr ValueType choice(std::span<const std::string_view> choices) {
  return {.kind = Kind::kChoice, .expected = "one word", .choices = choices};
}

constexpr ValueType text(std::string_view expected,
                         Parsed<std::string> (*check)(std::string_view)) {
  return {.kind = Kind::kText, .expected = expected, .check = check};
}

constexpr ValueType address() {
  return {.kind = Kind::kAddress, .expected = "an address such as 127.0.0.1:8080"};
}

constexpr ValueType section() { return {.kind = Kind::kSection, .expected = "a map"}; }

/// The type with a word that stands for no value.
constexpr ValueType or_word(std::string_view word, ValueType type) {
  type.absent_word = word;
  return type;
}

constexpr ValueType list_of(std::size_t fewest, std::size_t most, ValueType type) {
  type.fewest_items = fewest;
  type.most_items = most;
  return type;
}

// How a row is made from the member that it fills.

template <class T>
struct OwnerOf;
template <class Owner, class T>
struct OwnerOf<T Owner::*> {
  using Type = Owner;
};

template <class T>
constexpr bool kIsSection = std::is_aggregate_v<T> && !std::same_as<T, ListenAddress>;
template <class T>
constexpr bool kIsSectionList = false;
template <class T>
constexpr bool kIsSectionList<std::vector<T>> = kIsSection<T>;

template <auto First, auto... Rest>
constexpr auto& member_of(auto& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return member_of<Rest...>(object.*First);
  }
}

/// A row for the member that `First`, or the chain of member pointers it begins, leads to.
template <auto First, auto... Rest>
constexpr auto row(std::string_view key, ValueType type, std::string_view doc,
                   Presence presence = Presence::kOptional) {
  using Section = typename OwnerOf<decltype(First)>::Type;
  return Field<Section>{{key, type, doc, presence},
                        [](Reader& reader, const YamlNode& node, const std::string& path,
                           const ValueType& kind, Section& section) {
                          auto& member = member_of<First, Rest...>(section);
                          using Member = std::remove_cvref_t<decltype(member)>;
                          if constexpr (kIsSection<Member>) {
                            reader.read_section(node, path, member);
                          } else if constexpr (kIsSectionList<Member>) {
                            reader.read_sections(node, path, kind, section, member);
                          } else {
                            reader.read(node, path, kind, member);
                          }
                        }};
}

// The types of values that stand in more than one table.

constexpr ValueType kNameType = text("a name", check_name);
constexpr ValueType kIndexType = list_of(0, 16, text("a file name", check_file_name));

constexpr std::string_view kIndexDoc =
    "Files tried in this order when a directory is asked for; [] for none.";
constexpr std::string_view kHiddenDoc =
    "What happens to names that begin with a dot: deny answers 404 and leaves them out of "
    "listings. /.well-known/ is always served.";
constexpr std::string_view kSymlinksDoc =
    "beneath follows symbolic links that stay within the root; none follows no link at all.";
constexpr std::string_view kCharsetDoc = "The charset sent with text types; off sends none.";

// The tables.

constexpr std::array kConfigFields{
    row<&Config::runtime>("runtime", section(), "What the process uses; read at start only."),
    row<&Config::admin>("admin", section(), "The listener for operators."),
    row<&Config::log>("log", section(), "What is written to standard error."),
    row<&Config::listeners>("listeners", list_of(1, 64, section()), "Where connections come in.",
                            Presence::kRequired),
    row<&Config::limits>("limits", section(), "Bounds on what one client may send."),
    row<&Config::timeouts>("timeouts", section(), "How long to wait for what."),
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
};

constexpr std::array kAdminFields{
    row<&Admin::listen>("listen", or_word("off", address()),
                        "The address of the admin listener, or off. Keep it on loopback or a unix "
                        "socket: it asks nobody who they are."),
    row<&Admin::metrics>("metrics", boolean(), "Serve /metrics."),
    row<&Admin::health>("health", boolean(), "Serve /livez and /readyz."),
};

constexpr std::array kLogFields{
    row<&Log::level>("level", choice(kLogLevels), "The least severe messages that are written."),
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
    row<&Timeouts::drain>("drain", or_word("off", duration(milliseconds(0))),
                          "After SIGTERM: how long running requests may take; off waits for all."),
};

constexpr std::array kFileOptionsFields{
    row<&FileOptions::index>("index", kIndexType, kIndexDoc),
    row<&FileOptions::hidden>("hidden", choice(kHiddenChoices), kHiddenDoc),
    row<&FileOptions::symlinks>("symlinks", choice(kSymlinkChoices), kSymlinksDoc),
    row<&FileOptions::charset>("charset", or_word("off", text("a charset", check_charset)),
                               kCharsetDoc),
    row<&FileOptions::sidecars>("sidecars", kSidecarsType, kSidecarsDoc),
    row<&FileOptions::headers>("headers", kHeadersType, kHeadersDoc),
    row<&FileOptions::types>("types", kTypesType, kTypesDoc),
    row<&FileOptions::digest>("digest", boolean(), kDigestDoc),
};

constexpr std::array kHeaderRuleFields{
    row<&HeaderRule::match>("match", kMatchType,
                            "Which files: *.{css,js} by their name, /assets/** by their path.",
                            Presence::kRequired),
    row<&HeaderRule::set>("set", kSetType, "The fields and their values."),
    row<&HeaderRule::unset>("unset", kUnsetType, "Fields of earlier rules that are not sent."),
};

constexpr std::array kSiteFields{
    row<&Site::name>("name", kNameType,
                     "What metrics call it. The site _default takes requests for hosts that no "
                     "other site names.",
                     Presence::kRequired),
    row<&Site::hosts>("hosts", list_of(0, 1000, text("a host name", check_host)),
                      "Exact names or *.example.org. A site without hosts takes requests for hosts "
                      "that no other site names."),
    row<&Site::listeners>("listeners", list_of(1, 64, text("the name of a listener", check_name)),
                          "Names of the listeners it is reached through; all unless given."),
    row<&Site::files, &FileOptions::index>("index", kIndexType, kIndexDoc),
    row<&Site::files, &FileOptions::hidden>("hidden", choice(kHiddenChoices), kHiddenDoc),
    row<&Site::files, &FileOptions::symlinks>("symlinks", choice(kSymlinkChoices), kSymlinksDoc),
    row<&Site::files, &FileOptions::charset>(
        "charset", or_word("off", text("a charset", check_charset)), kCharsetDoc),
    row<&Site::files, &FileOptions::sidecars>("sidecars", kSidecarsType, kSidecarsDoc),
    row<&Site::files, &FileOptions::headers>("headers", kHeadersType, kHeadersDoc),
    row<&Site::files, &FileOptions::types>("types", kTypesType, kTypesDoc),
    row<&Site::files, &FileOptions::digest>("digest", boolean(), kDigestDoc),
    row<&Site::mounts>("mounts", list_of(1, 1000, section()), "Which directory is seen where.",
                       Presence::kRequired),
};

constexpr std::array kMountFields{
    row<&Mount::path>("path", text("a path such as /", check_mount_path),
                      "Where the directory is seen; begins and ends in '/'. The longest path that "
                      "fits a request wins.",
                      Presence::kRequired),
    row<&Mount::root>("root", text("an absolute path", check_root),
                      "The directory. Nothing outside it is ever served.", Presence::kRequired),
    row<&Mount::listing>("listing", boolean(),
                         "List directories that have no index file; otherwise they are answered "
                         "with 404."),
    row<&Mount::files, &FileOptions::index>("index", kIndexType, kIndexDoc),
    row<&Mount::files, &FileOptions::sidecars>("sidecars", kSidecarsType, kSidecarsDoc),
    row<&Mount::files, &FileOptions::headers>("headers", kHeadersType, kHeadersDoc),
    row<&Mount::files, &FileOptions::types>("types", kTypesType, kTypesDoc),
    row<&Mount::files, &FileOptions::digest>("digest", boolean(), kDigestDoc),
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
std::span<const Field<Admin>> fields_of<Admin>() {
  return kAdminFields;
}
template <>
std::span<const Field<Log>> fields_of<Log>() {
  return kLogFields;
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
std::span<const Field<FileOptions>> fields_of<FileOptions>() {
  return kFileOptionsFields;
}
template <>
std::span<const Field<HeaderRule>> fields_of<HeaderRule>() {
  return kHeaderRuleFields;
}
template <>
std::span<const Field<Site>> fields_of<Site>() {
  return kSiteFields;
}
template <>
std::span<const Field<Mount>> fields_of<Mount>() {
  return kMountFields;
}

void read_config(const YamlNode& document, Problems& problems, Places& places, Config& out) {
  Reader(problems, places).read_section(document, "", out);
}

}  // namespace sluiced::config
