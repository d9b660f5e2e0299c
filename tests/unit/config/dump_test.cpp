// A dump loads again to the configuration that it was made of.

#include "config/dump.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/schema.hpp"
#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::read_file;
using testing::with;

Config loaded(const std::string& text) {
  auto config = load_text(text, "t.yaml");
  if (!config) {
    ADD_FAILURE() << format(config.error()) << text;
    return {};
  }
  return *std::move(config);
}

void expect_equal(const Config& one, const Config& other) {
  EXPECT_EQ(one.runtime, other.runtime);
  EXPECT_EQ(one.admin, other.admin);
  EXPECT_EQ(one.log, other.log);
  EXPECT_EQ(one.listeners, other.listeners);
  EXPECT_EQ(one.limits, other.limits);
  EXPECT_EQ(one.timeouts, other.timeouts);
  EXPECT_EQ(one.listings, other.listings);
  EXPECT_EQ(one.archives, other.archives);
  EXPECT_EQ(one.defaults, other.defaults);
  EXPECT_EQ(one.sites, other.sites);
}

// Every option, most of them other than their default.
const std::string kEverything = R"(
runtime: {workers: 3, ring_entries: 128, max_open_files: 1000, cached_files: 0,
          unwatched_file_age: 1500ms}
admin: {listen: "unix:/run/a b/admin", metrics: false, health: false, status: false}
log: {level: warn, format: json, access: {target: /var/log/x.log, format: json, queue: 20}}
listeners:
  - {name: web, address: ":8080", backlog: 7, max_connections: 8}
  - {name: v6, address: "[2001:db8::1]:81"}
limits: {request_line: 300, headers_total: 1MiB, header_count: 3, requests_per_connection: 4,
         ranges: 5, digest_file: 0, max_connections: 6, max_connections_per_address: 7}
timeouts: {header: 1ms, idle: off, read_stall: 1d, write_stall: 2h, drain: 0,
           min_rate: {bytes_per_second: 0, grace: 1001ms}}
listings: {max_entries: 9}
archives: {max_concurrent: 10, max_entries: 11}
defaults:
  index: []
  hidden: allow
  symlinks: none
  charset: off
  sidecars: [zst, br, gz]
  headers: [{match: "*", set: {X-One: "1", Cache-Control: no-cache}}]
  types: {foo: text/x-foo}
  digest: true
sites:
  - name: one
    hosts: [Example.org, "*.example.org", "[::1]"]
    listeners: [v6]
    index: ["größe €😀", "a\"b\\c", "null", "- x", "#y", "1e3", "\x85"]
    headers: [{match: "*.{css,js}", set: {X-Two: "two"}, unset: [X-One]}]
    types: {bar: "text/plain; a=b"}
    mounts:
      - path: /
        root: "/srv/a: b"
        listing: true
        headers: [{match: /a/**, set: {X-Three: "it's"}}]
        fallback: /index.html
        archive: [tar, zip]
        cors: {origins: [https://a.example], methods: [GET, PUT], headers: [X-A], expose: [X-B],
               max_age: 0s, credentials: true}
      - {path: "/ä b/", root: /srv/b, sidecars: [], charset: latin-1, symlinks: follow}
    redirects: [{from: /old/*, to: "https://x.example/new/*", status: 308}, {from: /a, to: /b}]
    errors: {404: /srv/404.html, 503: "/srv/5 03"}
    respond: 421
  - name: _default
    redirects: [{from: /*, to: "https://other.example/*"}]
)";

TEST(Dump, OfEverythingLoadsAgainToTheSame) {
  const Config config = loaded(kEverything);
  const std::string text = dump(config);
  expect_equal(loaded(text), config);
  EXPECT_EQ(dump(loaded(text)), text);
}

TEST(Dump, OfSmallAndShippedConfigurationsLoadsAgainToTheSame) {
  for (const std::string& text : {with(""), read_file(SLUICED_DEFAULT_FILE),
                                  with("admin: {listen: off}\n"), with("timeouts:\n")}) {
    const Config config = loaded(text);
    expect_equal(loaded(dump(config)), config);
  }
}

// Rules for headers add up on the way down; written out with what they inherit, they would double.
TEST(Dump, GivesInheritedHeaderRulesOnceOnly) {
  const std::string text = dump(loaded(kEverything));
  EXPECT_EQ(text.find("X-Three"), text.rfind("X-Three"));
  EXPECT_EQ(text.find("X-Two"), text.rfind("X-Two"));
}

void expect_keys(const YamlNode& node, const std::vector<FieldInfo>& fields,
                 const std::string& path) {
  for (const FieldInfo& field : fields) {
    const YamlNode* value = node.find(field.key);
    // Pages and other origins have no default that could be written.
    if (value == nullptr && (path.ends_with("errors") || field.key == "cors")) {
      continue;
    }
    ASSERT_NE(value, nullptr) << path << '.' << field.key;
    if (field.children != nullptr) {
      const bool is_list = field.shape == Shape::kSectionList;
      if (is_list && value->items.empty()) {
        continue;
      }
      expect_keys(is_list ? value->items.front() : *value, field.children(),
                  path + '.' + std::string(field.key));
    }
  }
}

TEST(Dump, ShowsEveryKeyOfTheTables) {
  const std::string text = dump(loaded(kEverything));
  Source source("t.yaml", text);
  Problems problems(source);
  const auto tree = parse_yaml(problems);
  ASSERT_TRUE(tree);
  expect_keys(*tree, infos_of<Config>(), "");
}

TEST(Dump, IsReadableText) {
  const std::string text = dump(loaded(with("")));
  EXPECT_TRUE(text.starts_with("runtime:\n  workers: auto\n  ring_entries: 4096\n")) << text;
  EXPECT_NE(text.find("listeners:\n  - name: web\n    address: \"[::]:8080\"\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n    mounts:\n      - path: /\n        root: /srv\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  request_line: 8KiB\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace sluiced::config
