#include "config/load.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"

namespace sluiced::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::with;

Config loaded(std::string text) {
  auto config = load_text(std::move(text), "t.yaml");
  if (!config) {
    ADD_FAILURE() << format(config.error());
    return {};
  }
  return *std::move(config);
}

TEST(Loading, FillsInTheDefaults) {
  const Config config = loaded(with(""));
  EXPECT_EQ(config.runtime, Runtime{});
  EXPECT_EQ(config.runtime.workers, 0);
  EXPECT_EQ(config.runtime.ring_entries, 4096);
  EXPECT_EQ(config.runtime.max_open_files, 65536);
  EXPECT_EQ(to_string(*config.admin.listen), "127.0.0.1:9180");
  EXPECT_TRUE(config.admin.metrics);
  EXPECT_TRUE(config.admin.health);
  EXPECT_TRUE(config.admin.status);
  EXPECT_EQ(config.log.level, LogLevel::kInfo);
  EXPECT_EQ(config.log.format, LogFormat::kText);
  EXPECT_EQ(config.limits.request_line, 8192);
  EXPECT_EQ(config.limits.headers_total, 32768);
  EXPECT_EQ(config.limits.header_count, 100);
  EXPECT_EQ(config.limits.requests_per_connection, 10000);
  EXPECT_EQ(config.timeouts.header, seconds(10));
  EXPECT_EQ(config.timeouts.idle, seconds(60));
  EXPECT_EQ(config.timeouts.read_stall, seconds(30));
  EXPECT_EQ(config.timeouts.write_stall, seconds(30));
  EXPECT_EQ(config.timeouts.drain, seconds(30));
  ASSERT_EQ(config.listeners.size(), 1);
  EXPECT_EQ(config.listeners[0].backlog, 4096);
  EXPECT_EQ(config.listeners[0].max_connections, 20000);
  ASSERT_EQ(config.sites.size(), 1);
  EXPECT_EQ(config.sites[0].files, FileOptions{});
  EXPECT_FALSE(config.sites[0].mounts[0].listing);
  EXPECT_TRUE(config.warnings.empty());
}

TEST(Loading, ReadsEveryOption) {
  const Config config = loaded(R"(
runtime: {workers: 3, ring_entries: 128, max_open_files: 100000}
admin: {listen: "unix:/run/sluice/admin.sock", metrics: false, health: false,
        status: false}
log: {level: trace, format: json}
listeners:
  - {name: web, address: "[2001:db8::1]:443", backlog: 10, max_connections: 11}
  - {name: lan, address: "10.0.0.1:80"}
limits: {request_line: 4KiB, headers_total: 16KB, header_count: 7, requests_per_connection: 8,
         ranges: 9, digest_file: 10KiB}
timeouts: {header: 1s, idle: 2m, read_stall: 300ms, write_stall: 1h, drain: 0}
defaults: {index: [a, b], hidden: allow, symlinks: none, charset: latin1}
sites:
  - name: one
    hosts: [One.example, "*.one.example"]
    listeners: [lan]
    mounts:
      - {path: /, root: /srv/one, listing: true}
      - {path: /sub/, root: /srv/sub, index: []}
)");
  EXPECT_EQ(config.runtime, (Runtime{3, 128, 100000}));
  EXPECT_EQ(config.admin, (Admin{parse_listen_address("unix:/run/sluice/admin.sock").value(), false,
                                 false, false}));
  EXPECT_EQ(config.log.level, LogLevel::kTrace);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
  ASSERT_EQ(config.listeners.size(), 2);
  EXPECT_EQ(config.listeners[0],
            (Listener{"web", parse_listen_address("[2001:db8::1]:443").value(), 10, 11}));
  EXPECT_EQ(config.limits, (Limits{4096, 16000, 7, 8, 9, 10240}));
  EXPECT_EQ(config.timeouts, (Timeouts{seconds(1), seconds(120), milliseconds(300), seconds(3600),
                                       milliseconds(0)}));
  const FileOptions files{{"a", "b"}, Hidden::kAllow, Symlinks::kNone, "latin1"};
  EXPECT_EQ(config.defaults, files);
  ASSERT_EQ(config.sites.size(), 1);
  const Site& site = config.sites[0];
  EXPECT_EQ(site.name, "one");
  EXPECT_EQ(site.hosts, (std::vector<std::string>{"one.example", "*.one.example"}));
  EXPECT_EQ(site.listeners, std::vector<std::string>{"lan"});
  EXPECT_EQ(site.files, files);
  ASSERT_EQ(site.mounts.size(), 2);
  Mount first;
  first.path = "/";
  first.root = "/srv/one";
  first.listing = true;
  first.files = files;
  EXPECT_EQ(site.mounts[0], first);
  EXPECT_TRUE(site.mounts[1].files.index.empty());
  EXPECT_EQ(site.mounts[1].files.hidden, Hidden::kAllow);
}

TEST(Loading, OffSwitchesOffWhatCanBeDoneWithout) {
  const Config config =
      loaded(with("timeouts: {idle: off, read_stall: off, write_stall: off, drain: off}\n"
                  "admin: {listen: off}\n"
                  "defaults: {charset: off}\n"));
  EXPECT_EQ(config.timeouts.idle, std::nullopt);
  EXPECT_EQ(config.timeouts.read_stall, std::nullopt);
  EXPECT_EQ(config.timeouts.write_stall, std::nullopt);
  EXPECT_EQ(config.timeouts.drain, std::nullopt);
  EXPECT_EQ(config.admin.listen, std::nullopt);
  EXPECT_EQ(config.sites[0].mounts[0].files.charset, std::nullopt);
}

TEST(Loading, MergesDefaultsIntoSitesAndSitesIntoMountsWhateverTheirOrder) {
  const Config config = loaded(R"(
sites:
  - mounts:
      - {path: /, root: /srv}
      - {path: /own/, root: /srv, index: [mount.html]}
    name: own
    hosts: [own.example]
    index: [site.html]
    hidden: deny
  - name: _default
    mounts: [{path: /, root: /srv}]
listeners: [{name: web, address: ":8080"}]
defaults: {index: [default.html], hidden: allow, charset: latin1}
)");
  const Site& own = config.sites[0];
  EXPECT_EQ(own.files.index, std::vector<std::string>{"site.html"});
  EXPECT_EQ(own.files.hidden, Hidden::kDeny);
  EXPECT_EQ(own.files.charset, "latin1");
  EXPECT_EQ(own.mounts[0].files, own.files);
  EXPECT_EQ(own.mounts[1].files.index, std::vector<std::string>{"mount.html"});
  EXPECT_EQ(own.mounts[1].files.charset, "latin1");
  EXPECT_EQ(config.sites[1].files.index, std::vector<std::string>{"default.html"});
  EXPECT_EQ(config.sites[1].files.hidden, Hidden::kAllow);
}

TEST(Loading, GivesASiteAllListenersUnlessItNamesSome) {
  const Config config = loaded(R"(
listeners: [{name: a, address: ":1"}, {name: b, address: ":2"}]
sites:
  - {name: x, hosts: [x], mounts: [{path: /, root: /srv}]}
  - {name: y, hosts: [y], listeners: [b], mounts: [{path: /, root: /srv}]}
)");
  EXPECT_EQ(config.sites[0].listeners, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.sites[1].listeners, std::vector<std::string>{"b"});
}

TEST(Loading, KnowsWhichSiteTakesHostsThatNoOtherTakes) {
  const Config config = loaded(R"(
listeners: [{name: a, address: ":1"}, {name: b, address: ":2"}]
sites:
  - {name: named, hosts: [x], mounts: [{path: /, root: /srv}]}
  - {name: _default, hosts: [y], listeners: [a], mounts: [{path: /, root: /srv}]}
  - {name: nameless, listeners: [b], mounts: [{path: /, root: /srv}]}
)");
  EXPECT_FALSE(config.sites[0].takes_any_host());
  EXPECT_TRUE(config.sites[1].takes_any_host());
  EXPECT_TRUE(config.sites[2].takes_any_host());
}

TEST(Loading, TakesASectionWithNothingInItForItsDefaults) {
  const Config config = loaded(with("log:\nruntime: {}\ntimeouts:\n  # header: 5s\n"));
  EXPECT_EQ(config.log, Log{});
  EXPECT_EQ(config.runtime, Runtime{});
  EXPECT_EQ(config.timeouts, Timeouts{});
}

TEST(Loading, FollowsAnchorsAndMergeKeys) {
  const Config config = loaded(R"(
listeners:
  - &base {name: a, address: ":1", backlog: 7}
  - {<<: *base, name: b, address: ":2"}
sites:
  - name: x
    index: &pages [one.html, two.html]
    mounts: [{path: /, root: /srv}, {path: /y/, root: /srv, index: *pages}]
)");
  EXPECT_EQ(config.listeners[1].name, "b");
  EXPECT_EQ(config.listeners[1].backlog, 7);
  EXPECT_EQ(config.sites[0].mounts[1].files.index,
            (std::vector<std::string>{"one.html", "two.html"}));
}

TEST(Loading, TakesQuotesAroundAnythingThatIsText) {
  const Config config =
      loaded(with("timeouts: {header: \"5s\", 'idle': 'off'}\nlimits: {request_line: \"1KiB\"}\n"
                  "log: {level: 'warn'}\n"));
  EXPECT_EQ(config.timeouts.header, seconds(5));
  EXPECT_EQ(config.timeouts.idle, std::nullopt);
  EXPECT_EQ(config.limits.request_line, 1024);
  EXPECT_EQ(config.log.level, LogLevel::kWarn);
}

TEST(Loading, ReadsCrlfAndAByteOrderMark) {
  EXPECT_EQ(loaded("\xEF\xBB\xBFlog:\r\n  level: warn\r\n" + with("")).log.level, LogLevel::kWarn);
}

}  // namespace
}  // namespace sluiced::config
