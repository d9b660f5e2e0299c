// The tables of what is served: sites, mounts, and the rules for files.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/representation_options.hpp"
#include "config/schema.hpp"
#include "config/schema_rows.hpp"
#include "config/text_rules.hpp"

namespace sluiced::config {

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

/// The rules that come after the inherited ones, which reading puts first.
std::vector<HeaderRule> own_rules(const FileOptions& inherited, const FileOptions& files) {
  const auto count = std::min(inherited.headers.size(), files.headers.size());
  return {files.headers.begin() + static_cast<std::ptrdiff_t>(count), files.headers.end()};
}

}  // namespace

template <>
Site own_part<Site>(const Config& config, const Site& site) {
  Site own = site;
  own.files.headers = own_rules(config.defaults, site.files);
  // Against the site as it is, which is what its mounts inherit from.
  for (std::size_t index = 0; index < site.mounts.size(); ++index) {
    own.mounts[index].files.headers = own_rules(site.files, site.mounts[index].files);
  }
  return own;
}

namespace {

using namespace schema;

constexpr std::array<std::string_view, 2> kHiddenChoices{"deny", "allow"};
constexpr std::array<std::string_view, 3> kSymlinkChoices{"none", "beneath", "follow"};
constexpr std::array<std::string_view, 4> kRedirectChoices{"301", "302", "307", "308"};
constexpr std::array<std::string_view, 5> kRespondChoices{"403", "404", "410", "421", "503"};

// The types of values that stand in more than one table.

constexpr ValueType kIndexType = list_of(0, 16, text("a file name", check_file_name));

constexpr std::string_view kIndexDoc =
    "Files tried in this order when a directory is asked for; [] for none.";
constexpr std::string_view kHiddenDoc =
    "What happens to names that begin with a dot: deny answers 404 and leaves them out of "
    "listings. /.well-known/ is always served.";
constexpr std::string_view kSymlinksDoc =
    "beneath follows symbolic links that stay within the root; none follows no link at all; follow "
    "follows them to wherever sluiced may read (see confinement.readable), so that whoever can "
    "make a link in the tree can publish every file there.";
constexpr std::string_view kCharsetDoc = "The charset sent with text types; off sends none.";

constexpr ValueType kPageType = text("an absolute path", check_root);

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
    row<&Site::mounts>("mounts", list_of(1, 1000, section()), "Which directory is seen where."),
    row<&Site::redirects>("redirects", list_of(0, 1000, section()),
                          "Paths that are to be found elsewhere; looked at before mounts."),
    row<&Site::errors>("errors", section(),
                       "Files of at most 256KiB, read at start and at each reload, that take the "
                       "place of the pages for errors."),
    row<&Site::respond>("respond", choice(kRespondChoices),
                        "The answer to what no redirect and no mount takes."),
};

constexpr std::array kRedirectFields{
    row<&Redirect::from>("from", text("a path such as /old or /old/*", check_redirect_from),
                         "The path, or with /* at its end all paths below it. A path wins over /*, "
                         "and the longest /* over others.",
                         Presence::kRequired),
    row<&Redirect::to>("to", text("a path or a URL", check_redirect_to),
                       "A path or an http or https URL; /* at its end stands for the rest. The "
                       "query of the request is kept.",
                       Presence::kRequired),
    row<&Redirect::status>("status", choice(kRedirectChoices),
                           "301 and 308 are remembered by browsers, 302 and 307 are not; 307 and "
                           "308 keep the method."),
};

constexpr std::array kErrorPagesFields{
    row<&ErrorPages::forbidden>("403", kPageType, "The page for what may not be read."),
    row<&ErrorPages::not_found>("404", kPageType, "The page for what is not there."),
    row<&ErrorPages::method_not_allowed>("405", kPageType, "The page for methods not allowed."),
    row<&ErrorPages::gone>("410", kPageType, "The page of a site that responds with 410."),
    row<&ErrorPages::internal_server_error>("500", kPageType, "The page for faults."),
    row<&ErrorPages::service_unavailable>("503", kPageType, "The page for too much at once."),
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
                         "with 403."),
    row<&Mount::files, &FileOptions::index>("index", kIndexType, kIndexDoc),
    row<&Mount::files, &FileOptions::hidden>("hidden", choice(kHiddenChoices), kHiddenDoc),
    row<&Mount::files, &FileOptions::symlinks>("symlinks", choice(kSymlinkChoices), kSymlinksDoc),
    row<&Mount::files, &FileOptions::charset>(
        "charset", or_word("off", text("a charset", check_charset)), kCharsetDoc),
    row<&Mount::files, &FileOptions::sidecars>("sidecars", kSidecarsType, kSidecarsDoc),
    row<&Mount::files, &FileOptions::headers>("headers", kHeadersType, kHeadersDoc),
    row<&Mount::files, &FileOptions::types>("types", kTypesType, kTypesDoc),
    row<&Mount::files, &FileOptions::digest>("digest", boolean(), kDigestDoc),
    row<&Mount::fallback>("fallback",
                          or_word("off", text("a path such as /index.html", check_fallback)),
                          "The file beneath the root that is served, with 200, where there is "
                          "nothing: for single-page applications."),
    row<&Mount::archive>("archive", list_of(0, 2, text("tar or zip", check_archive_format)),
                         "As what a directory can be had with ?archive=: tar, zip."),
    row<&Mount::cors>("cors", section(), "Which pages of other origins may read the files."),
};

constexpr std::array kCorsFields{
    row<&Cors::origins>("origins", list_of(1, 100, text("an origin", check_origin)),
                        "Origins such as https://app.example.org, or \"*\" for all.",
                        Presence::kRequired),
    row<&Cors::methods>("methods", list_of(1, 20, text("a method", check_method)),
                        "Methods that a preflight allows."),
    row<&Cors::headers>("headers", list_of(0, 50, text("a field name", check_field_name)),
                        "Request fields that a preflight allows."),
    row<&Cors::expose>("expose", list_of(0, 50, text("a field name", check_field_name)),
                       "Response fields that scripts may read."),
    row<&Cors::max_age>("max_age", duration(std::chrono::milliseconds(0)),
                        "How long a browser may remember a preflight, in whole seconds."),
    row<&Cors::credentials>("credentials", boolean(),
                            "Allow requests with cookies and the like; not with origins [\"*\"]."),
};
}  // namespace

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

template <>
std::span<const Field<Redirect>> fields_of<Redirect>() {
  return kRedirectFields;
}
template <>
std::span<const Field<ErrorPages>> fields_of<ErrorPages>() {
  return kErrorPagesFields;
}
template <>
std::span<const Field<Cors>> fields_of<Cors>() {
  return kCorsFields;
}

}  // namespace sluiced::config
