// What is said about every kind of mistake in an otherwise valid YAML text.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::brief_report;
using testing::kListeners;
using testing::kSites;
using testing::report;
using testing::with;

/// A line added to a right configuration (as its third line), and what is said.
using Table = std::vector<std::pair<std::string_view, std::string_view>>;

void expect_reports(const Table& table) {
  for (const auto& [line, expected] : table) {
    EXPECT_EQ(brief_report(with(std::string(line) + '\n')), std::string(expected) + '\n');
  }
}

/// The same for the entries of one listener, or of one site.
std::string report_listener(std::string_view entries) {
  return brief_report("listeners: [{" + std::string(entries) + "}]\n" + std::string(kSites));
}
std::string report_site(std::string_view entries) {
  return brief_report("sites: [{" + std::string(entries) + "}]\n" + std::string(kListeners));
}

TEST(ConfigErrors, UnknownKeys) {
  expect_reports({
      {"listners: []", "3:1 unknown key 'listners' at the top level (did you mean 'listeners'?)"},
      {"log: {levle: info}", "3:7 unknown key 'levle' in 'log' (did you mean 'level'?)"},
      {"log: {target: stderr}", "3:7 unknown key 'target' in 'log' (known: level, format, access)"},
      {"admin: {pprof: true}",
       "3:9 unknown key 'pprof' in 'admin' (known: listen, metrics, health, status)"},
      {"runtime: {pin_cpus: false}",
       "3:11 unknown key 'pin_cpus' in 'runtime' (known: workers, ring_entries, max_open_files, "
       "cached_files, unwatched_file_age, user)"},
      {"log: {\"le\\x1bvel\": info}",
       "3:7 unknown key 'le\\x1bvel' in 'log' (did you mean 'level'?)"},
      {"Log: {level: info}", "3:1 unknown key 'Log' at the top level (did you mean 'log'?)"},
  });
}

TEST(ConfigErrors, UnknownKeysInListsAreNamedWithTheirIndex) {
  EXPECT_EQ(
      report_site("name: a, mounts: [{path: /, root: /a}, {path: /b/, root: /b, auth: x}]"),
      "1:71 unknown key 'auth' in 'sites[0].mounts[1]' (known: path, root, listing, index, "
      "hidden, symlinks, charset, sidecars, headers, types, digest, fallback, archive, cors)\n");
}

TEST(ConfigErrors, DuplicateKeys) {
  expect_reports({
      {"listeners: []", "3:1 duplicate key 'listeners' (first at line 1)"},
      {"limits: {header_count: 1, header_count: 2}",
       "3:27 duplicate key 'header_count' (first at line 3)"},
  });
}

TEST(ConfigErrors, WrongTypes) {
  expect_reports({
      {"log: info", "3:6 'log': must be a map of keys and values, not a single value"},
      {"log: level:info",
       "3:6 'log': must be a map of keys and values, not a single value (is a space missing "
       "behind the colon?)"},
      {"log: [level]", "3:6 'log': must be a map of keys and values, not a list"},
      {"log: {level: [info]}", "3:14 'log.level': must be one word, not a list"},
      {"log: {level: }", "3:7 'log.level': must be one word, not nothing"},
      {"limits: {header_count: many}", "3:24 'limits.header_count': 'many' is not a whole number"},
      {"limits: {header_count: \"12\"}",
       "3:24 'limits.header_count': '12' is a text: remove the quotes"},
      {"limits: {header_count: {a: 1}}",
       "3:24 'limits.header_count': must be a whole number, not a map"},
      {"limits: {request_line: [1]}",
       "3:24 'limits.request_line': must be a size such as 8KiB, not a list"},
      {"admin: {metrics: yes}", "3:18 'admin.metrics': 'yes' is neither true nor false"},
      {"admin: {metrics: \"true\"}", "3:18 'admin.metrics': 'true' is a text: remove the quotes"},
      {"admin: {metrics: ~}", "3:9 'admin.metrics': must be true or false, not nothing"},
      {"defaults: {index: index.html}",
       "3:19 'defaults.index': must be a list, not a single value: write [index.html]"},
      {"defaults: {index: {a: b}}", "3:19 'defaults.index': must be a list, not a map"},
      {"defaults: {index: [[a]]}", "3:20 'defaults.index[0]': must be a file name, not a list"},
      {"admin: {listen: [::]}",
       "3:17 'admin.listen': must be an address such as 127.0.0.1:8080, not a list"},
  });
  EXPECT_EQ(brief_report("listeners: {web: 1}\nsites:\n"),
            "1:12 'listeners': must be a list, not a map\n"
            "2:1 'sites': must be a list, not nothing\n");
  EXPECT_EQ(brief_report("- a\n"), "1:1 the file must be a map of keys and values, not a list\n");
  EXPECT_EQ(brief_report("log:info\n"),
            "1:1 the file must be a map of keys and values, not a single value (is a space missing "
            "behind the colon?)\n");
}

TEST(ConfigErrors, UnitsRangesAndWords) {
  expect_reports({
      {"timeouts: {header: 10}",
       "3:20 'timeouts.header': '10' has no unit: write 10s, or use ms, m, h, d"},
      {"timeouts: {header: off}", "3:20 'timeouts.header': 'off' is not a time such as 10s"},
      {"timeouts: {header: 0}", "3:20 'timeouts.header': '0' is out of range (1ms to 1d)"},
      {"timeouts: {idle: 2d}", "3:18 'timeouts.idle': '2d' is out of range (1ms to 1d)"},
      {"timeouts: {idle: -1s}", "3:18 'timeouts.idle': '-1s' is negative"},
      {"timeouts: {drain: no}", "3:19 'timeouts.drain': 'no' is not a time such as 10s"},
      {"limits: {request_line: 1}",
       "3:24 'limits.request_line': '1' is out of range (256 to 64KiB)"},
      {"limits: {header_count: 0}", "3:24 'limits.header_count': '0' is out of range (1 to 10000)"},
      {"limits: {header_count: 99999999999999999999}",
       "3:24 'limits.header_count': '99999999999999999999' is too large"},
      {"limits: {header_count: 4294967396}",
       "3:24 'limits.header_count': '4294967396' is out of range (1 to 10000)"},
      {"runtime: {workers: many}", "3:20 'runtime.workers': 'many' is not a whole number"},
      {"runtime: {workers: 0}", "3:20 'runtime.workers': '0' is out of range (1 to 1024)"},
      {"runtime: {ring_entries: 1000}",
       "3:25 'runtime.ring_entries': '1000' is not a power of two: the next is 1024"},
      {"limits: {headers_total: 32K}",
       "3:25 'limits.headers_total': '32K' has an unknown unit: write 32KiB (in steps of 1024) "
       "or 32KB (in steps of 1000)"},
      {"log: {level: inof}",
       "3:14 'log.level': 'inof' is not one of trace, debug, info, warn, error (did you mean "
       "'info'?)"},
      {"defaults: {hidden: list_only}",
       "3:20 'defaults.hidden': 'list_only' is not one of deny, allow"},
      {"defaults: {symlinks: outside}",
       "3:22 'defaults.symlinks': 'outside' is not one of none, beneath, follow"},
      {"defaults: {charset: \"\"}", "3:21 'defaults.charset': the value is empty"},
  });
}

TEST(ConfigErrors, MissingKeys) {
  EXPECT_EQ(brief_report("log: {level: info}\n"),
            "1:1 missing key 'listeners' at the top level\n"
            "1:1 missing key 'sites' at the top level\n");
  EXPECT_EQ(report_listener("name: web"), "1:13 missing key 'address' in 'listeners[0]'\n");
  EXPECT_EQ(report_site("name: a, mounts: [{}]"),
            "1:28 missing key 'path' in 'sites[0].mounts[0]'\n"
            "1:28 missing key 'root' in 'sites[0].mounts[0]'\n");
  EXPECT_EQ(brief_report("listeners: []\nsites: []\n"),
            "1:12 'listeners': needs at least 1 entry\n"
            "2:8 'sites': needs at least 1 entry\n");
  EXPECT_EQ(brief_report("listeners: [~]\n" + std::string(kSites)),
            "1:12 missing key 'name' in 'listeners[0]'\n"
            "1:12 missing key 'address' in 'listeners[0]'\n");
}

TEST(ConfigErrors, AMisspeltRequiredKeyIsOneMistakeNotTwo) {
  EXPECT_EQ(report_listener("nmae: web, address: \":80\""),
            "1:14 unknown key 'nmae' in 'listeners[0]' (did you mean 'name'?)\n");
}

TEST(ConfigErrors, NamesUsedTwice) {
  EXPECT_EQ(
      brief_report("listeners:\n- {name: a, address: \":1\"}\n- {name: a, address: \":2\"}\n" +
                   std::string(kSites)),
      "3:10 'listeners[1].name': 'a' is taken as a name (first at line 2)\n");
  EXPECT_EQ(brief_report(std::string(kListeners) +
                         "sites:\n- {name: a, mounts: [{path: /, root: /a}]}\n"
                         "- {name: a, hosts: [x, X], mounts: [{path: /, root: /a}]}\n"),
            "4:10 'sites[1].name': 'a' is taken as a name (first at line 3)\n"
            "4:24 'sites[1].hosts[1]': 'x' is named twice (first at line 4)\n");
  EXPECT_EQ(report_site("name: a, mounts: [{path: /, root: /a}, {path: /, root: /b}]"),
            "1:56 'sites[0].mounts[1].path': '/' is mounted already (first at line 1)\n");
  EXPECT_EQ(report_site("name: a, listeners: [web, web], mounts: [{path: /, root: /a}]"),
            "1:36 'sites[0].listeners[1]': 'web' is named twice (first at line 1)\n");
}

TEST(ConfigErrors, ListenersThatDoNotExist) {
  EXPECT_EQ(report_site("name: a, listeners: [wed, x], mounts: [{path: /, root: /a}]"),
            "1:31 'sites[0].listeners[0]': 'wed' is not the name of a listener (did you mean "
            "'web'?)\n"
            "1:36 'sites[0].listeners[1]': 'x' is not the name of a listener\n");
}

TEST(ConfigErrors, AListenerWithABadNameIsNotReportedAsMissingToo) {
  EXPECT_EQ(brief_report("listeners: [{name: Web, address: \":80\"}]\n"
                         "sites: [{name: a, listeners: [web], mounts: [{path: /, root: /a}]}]\n"),
            "1:20 'listeners[0].name': 'Web' may hold only lower-case letters, digits, '_' and "
            "'-'\n");
}

TEST(ConfigErrors, AddressesThatLeaveNoRoomForEachOther) {
  EXPECT_EQ(brief_report("listeners:\n- {name: a, address: \":80\"}\n"
                         "- {name: b, address: \"0.0.0.0:80\"}\n"
                         "- {name: c, address: \"127.0.0.1:9180\"}\n" +
                         std::string(kSites)),
            "3:22 'listeners[1].address': '0.0.0.0:80' is taken by an earlier listener (first at "
            "line 2)\n"
            "4:22 'listeners[2].address': '127.0.0.1:9180' is the address of the admin listener\n");
  expect_reports({{"admin: {listen: \":8080\"}",
                   "1:34 'listeners[0].address': '[::]:8080' is the address of the admin listener "
                   "(first at line 3)"}});
}

TEST(ConfigErrors, HostsThatLeadToTwoSites) {
  const std::string mounts = ", mounts: [{path: /, root: /a}]}\n";
  EXPECT_EQ(brief_report(std::string(kListeners) + "sites:\n- {name: a, hosts: [x.org]" + mounts +
                         "- {name: b, hosts: [X.org]" + mounts + "- {name: c" + mounts +
                         "- {name: _default, hosts: [y.org]" + mounts),
            "4:21 'sites[1].hosts[0]': on listener 'web' the host 'x.org' leads to another site "
            "already (first at line 3)\n"
            "6:10 'sites[3].name': on listener 'web' requests for hosts that no site names go to "
            "another site already (first at line 5)\n");
  // On listeners of their own they do not meet.
  EXPECT_EQ(brief_report("listeners: [{name: a, address: \":1\"}, {name: b, address: \":2\"}]\n"
                         "sites:\n- {name: x, listeners: [a]" +
                         mounts + "- {name: y, listeners: [b]" + mounts),
            "ok");
}

TEST(ConfigErrors, OneMistakeDoesNotBringOthersWithIt) {
  const std::string mounts = ", mounts: [{path: /, root: /a}]}\n";
  EXPECT_EQ(brief_report(std::string(kListeners) + "sites:\n- {name: a" + mounts +
                         "- {name: b, hosts: x.org" + mounts),
            "4:20 'sites[1].hosts': must be a list, not a single value: write [x.org]\n");
}

TEST(ConfigErrors, TooManyEntries) {
  std::string listeners = "listeners: [";
  for (int index = 0; index < 65; ++index) {
    listeners += "{name: l" + std::to_string(index) +
                 ", address: \":" + std::to_string(1000 + index) + "\"}, ";
  }
  EXPECT_EQ(brief_report(listeners + "]\n" + std::string(kSites)),
            "1:12 'listeners': has more than 64 entries\n");
}

TEST(ConfigErrors, AreShownUpToABound) {
  std::string many;
  for (int index = 0; index < 1000; ++index) {
    many += "key" + std::to_string(index) + ": 1\n";
  }
  const auto config = load_text(many, "t.yaml");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 101);
  EXPECT_EQ(config.error().back().message, "902 more not shown");
}

}  // namespace
}  // namespace sluiced::config
