#include "serve/route.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/config.hpp"
#include "http/authority.hpp"

namespace sluiced::serve {
namespace {

config::Mount mount(std::string path, std::string root) {
  config::Mount made;
  made.path = std::move(path);
  made.root = std::move(root);
  return made;
}

// Two listeners; "files" for a name and its subdomains, "deep" for a longer wildcard, "inside" on
// the second listener only, and "_default" for all else.
config::Config example() {
  config::Config config;
  config.listeners.resize(2);
  config.listeners[0].name = "web";
  config.listeners[1].name = "lan";
  config.sites.resize(4);
  config.sites[0].name = "files";
  config.sites[0].hosts = {"files.example.org", "*.files.example.org"};
  config.sites[0].mounts = {mount("/", "/srv/files"), mount("/a/b/", "/srv/ab"),
                            mount("/a/", "/srv/a")};
  config.sites[1].name = "deep";
  config.sites[1].hosts = {"*.cdn.files.example.org"};
  config.sites[1].mounts = {mount("/", "/srv/deep")};
  config.sites[2].name = "inside";
  config.sites[2].hosts = {"intra"};
  config.sites[2].listeners = {"lan"};
  config.sites[2].mounts = {mount("/only/", "/srv/inside")};
  config.sites[3].name = "_default";
  config.sites[3].mounts = {mount("/", "/srv/default")};
  return config;
}

std::optional<Route> find(const Router& router, std::size_t listener,
                          const std::optional<http::Authority>& authority,
                          std::string_view relative) {
  const auto site = router.find_site(listener, authority);
  return site ? router.find_mount(*site, relative) : std::nullopt;
}

// "root|rest", with "|/" behind it when the path needs its slash; "" when there is no route.
std::string route(std::size_t listener, std::string_view host, std::string_view relative) {
  const config::Config config = example();
  const Router router(config);
  const auto found = find(router, listener, http::parse_authority(host), relative);
  if (!found) {
    return "";
  }
  EXPECT_EQ(router.mounts()[found->mount_index], found->mount);
  return found->mount->root + "|" + std::string(found->rest) + (found->needs_slash ? "|/" : "");
}

TEST(Route, LongestMountThatFitsThePathWins) {
  EXPECT_EQ(route(0, "files.example.org", "a/b/c.txt"), "/srv/ab|c.txt");
  EXPECT_EQ(route(0, "files.example.org", "a/c/b.txt"), "/srv/a|c/b.txt");
  EXPECT_EQ(route(0, "files.example.org", "x/a/b"), "/srv/files|x/a/b");
}

TEST(Route, MountPrefixesMatchWholeComponentsOnly) {
  EXPECT_EQ(route(0, "files.example.org", "ab/c"), "/srv/files|ab/c");
  EXPECT_EQ(route(0, "files.example.org", "a/bc"), "/srv/a|bc");
}

TEST(Route, MountWithoutItsSlashIsARedirect) {
  EXPECT_EQ(route(0, "files.example.org", "a/b"), "/srv/ab|.|/");
  EXPECT_EQ(route(0, "files.example.org", "a"), "/srv/a|.|/");
}

TEST(Route, TheRootOfAMountIsADot) {
  EXPECT_EQ(route(0, "files.example.org", "."), "/srv/files|.");
  EXPECT_EQ(route(1, "intra", "only/x"), "/srv/inside|x");
}

TEST(Route, HostsAreComparedWithoutCaseAndFinalDot) {
  EXPECT_EQ(route(0, "FILES.Example.ORG", "x"), "/srv/files|x");
  EXPECT_EQ(route(0, "files.example.org.", "x"), "/srv/files|x");
  EXPECT_EQ(route(0, "files.example.org:8080", "x"), "/srv/files|x");
}

TEST(Route, TheLongestWildcardWins) {
  EXPECT_EQ(route(0, "a.files.example.org", "x"), "/srv/files|x");
  EXPECT_EQ(route(0, "a.b.files.example.org", "x"), "/srv/files|x");
  EXPECT_EQ(route(0, "a.cdn.files.example.org", "x"), "/srv/deep|x");
  EXPECT_EQ(route(0, "cdn.files.example.org", "x"), "/srv/files|x");
}

TEST(Route, WildcardDoesNotTakeTheBareNameOrALookAlike) {
  EXPECT_EQ(route(0, "example.org", "x"), "/srv/default|x");
  EXPECT_EQ(route(0, "evilfiles.example.org", "x"), "/srv/default|x");
}

TEST(Route, SitesAreTiedToTheirListeners) {
  EXPECT_EQ(route(0, "intra", "only/x"), "/srv/default|only/x");
  EXPECT_EQ(route(1, "intra", "only/x"), "/srv/inside|x");
}

TEST(Route, PathThatNoMountCoversHasNoRoute) { EXPECT_EQ(route(1, "intra", "other"), ""); }

TEST(Route, RequestWithoutHostGoesToTheDefault) {
  const config::Config config = example();
  const Router router(config);
  const auto found = find(router, 0, std::nullopt, "x");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->mount->root, "/srv/default");
}

TEST(Route, NoSiteTakesAForeignHostWhenThereIsNoDefault) {
  config::Config config = example();
  config.sites.pop_back();
  const Router router(config);
  EXPECT_FALSE(find(router, 0, http::parse_authority("else.example"), "x"));
}

TEST(Route, ASiteThatIsAloneOnItsListenerStillAnswersItsOwnHostsOnly) {
  config::Config config = example();
  config.sites = {config.sites[2]};  // "intra" on the second listener
  const Router router(config);
  EXPECT_TRUE(router.find_site(1, http::parse_authority("intra")));
  EXPECT_FALSE(router.find_site(1, http::parse_authority("else.example")));
  EXPECT_FALSE(router.find_site(0, http::parse_authority("intra")));
}

TEST(Route, ADefaultSiteIsAskedForAllHostsOnlyWhereNoOtherSiteIs) {
  config::Config config = example();
  config.sites = {config.sites[3], config.sites[2]};  // the default on both, "intra" on the second
  const Router router(config);
  EXPECT_EQ(router.find_site(0, http::parse_authority("intra")), 0U);
  EXPECT_EQ(router.find_site(0, std::nullopt), 0U);
  EXPECT_EQ(router.find_site(1, http::parse_authority("intra")), 1U);
  EXPECT_EQ(router.find_site(1, http::parse_authority("else.example")), 0U);
}

}  // namespace
}  // namespace sluiced::serve
