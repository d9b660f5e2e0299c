// The options of representations: sidecars, headers, types, digest, and what is inherited of them.

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
using testing::with;

constexpr std::string_view kInherited =
    "defaults:\n"
    "  sidecars: [.zst, gz]\n"
    "  types: {.FOO: a/b, bar: c/d}\n"
    "  headers: [{match: '*', set: {A: 1, B: ' 2 '}}]\n"
    "sites:\n"
    "- name: a\n"
    "  types: {foo: e/f}\n"
    "  headers: [{match: '*.css', set: {A: 3}, unset: [B]}]\n"
    "  mounts:\n"
    "  - {path: /, root: /srv, sidecars: [], headers: [{match: /x/**, unset: [A]}], digest: true}\n"
    "  - {path: /b/, root: /srv}\n";

TEST(Representations, RulesAddUpAndTheRestIsReplaced) {
  const auto config = load_text(std::string(kListeners) + std::string(kInherited), "t.yaml");
  ASSERT_TRUE(config) << format(config.error());
  const FileOptions& defaults = config->defaults;
  EXPECT_EQ(defaults.sidecars, (std::vector<std::string>{"zst", "gz"}));
  EXPECT_EQ(defaults.types, (TextMap{{"bar", "c/d"}, {"foo", "a/b"}}));
  ASSERT_EQ(defaults.headers.size(), 1U);
  EXPECT_EQ(defaults.headers[0].set, (TextMap{{"A", "1"}, {"B", "2"}}));

  const Site& site = config->sites[0];
  const FileOptions& first = site.mounts[0].files;
  EXPECT_TRUE(first.sidecars.empty());
  EXPECT_TRUE(first.digest);
  EXPECT_EQ(first.types, (TextMap{{"bar", "c/d"}, {"foo", "e/f"}}));
  ASSERT_EQ(first.headers.size(), 3U);
  EXPECT_EQ(first.headers[1].match, "*.css");
  EXPECT_EQ(first.headers[2].unset, (std::vector<std::string>{"A"}));

  const FileOptions& second = site.mounts[1].files;
  EXPECT_EQ(second.sidecars, defaults.sidecars);
  EXPECT_FALSE(second.digest);
  EXPECT_EQ(second.headers.size(), 2U);
}

TEST(Representations, MistakesAreNamedWithTheirPlace) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"defaults: {sidecars: [gz, lz4]}",
       "3:27 'defaults.sidecars[1]': 'lz4' is not one of zst, br, gz"},
      {"defaults: {sidecars: [gz, br, zst, gz]}",
       "3:22 'defaults.sidecars': has more than 3 entries"},
      {"defaults: {sidecars: [gz, .gz]}",
       "3:27 'defaults.sidecars[1]': 'gz' is named twice (first at line 3)"},
      {"defaults: {digest: yes}", "3:20 'defaults.digest': 'yes' is neither true nor false"},
      {"defaults: {types: [a]}",
       "3:19 'defaults.types': must be a map, such as {.foo: text/x-foo}"},
      {"defaults: {types: {.foo: text}}",
       "3:26 'defaults.types.foo': 'text' is not a media type, such as text/x-foo"},
      {"defaults: {types: {.foo: \"a/b\\r\\nX: y\"}}",
       "3:26 'defaults.types.foo': 'a/b\\r\\nX: y' is not a media type, such as text/x-foo"},
      {"defaults: {types: {.tar.gz: a/b}}",
       "3:20 'defaults.types': '.tar.gz' is not the extension of a file, such as .foo"},
      {"defaults: {types: {.foo: a/b, FOO: c/d}}", "3:31 'defaults.types': 'FOO' is there already"},
      {"defaults: {headers: {match: x}}", "3:21 'defaults.headers': must be a list, not a map"},
      {"defaults: {headers: [{set: {A: b}}]}", "3:22 missing key 'match' in 'defaults.headers[0]'"},
      {"defaults: {headers: [{match: '*', sett: {A: b}}]}",
       "3:35 unknown key 'sett' in 'defaults.headers[0]' (did you mean 'set'?)"},
      {"defaults: {headers: [{match: '{a'}]}",
       "3:30 'defaults.headers[0].match': '{a' has braces that do not pair or nest"},
      {"defaults: {headers: [{match: '*', set: {Content-Length: 5}}]}",
       "3:41 'defaults.headers[0].set': 'Content-Length' frames the message, which sluiced does "
       "itself"},
      {"defaults: {headers: [{match: '*', set: {content-type: a/b}}]}",
       "3:41 'defaults.headers[0].set': 'content-type' is sent by sluiced itself: see 'types'"},
      {"defaults: {headers: [{match: '*', set: {access-control-allow-origin: '*'}}]}",
       "3:41 'defaults.headers[0].set': 'access-control-allow-origin' is sent by sluiced itself: "
       "see 'cors'"},
      {"defaults: {headers: [{match: '*', unset: [Access-Control-Max-Age]}]}",
       "3:43 'defaults.headers[0].unset[0]': 'Access-Control-Max-Age' is sent by sluiced itself: "
       "see 'cors'"},
      {"defaults: {headers: [{match: '*', set: {Vary: a b}}]}",
       "3:47 'defaults.headers[0].set.Vary': 'a b' is not a list of the names of fields"},
      {"defaults: {headers: [{match: '*', set: {Vary: 'Cookie, *'}, unset: [vary]}]}", "ok"},
      {"defaults: {headers: [{match: '*', set: {X-A: b, x-a: c}}]}",
       "3:49 'defaults.headers[0].set': 'x-a' is there already"},
      {"defaults: {headers: [{match: '*', unset: [ETag]}]}",
       "3:43 'defaults.headers[0].unset[0]': 'ETag' is sent by sluiced itself"},
      {"defaults: {headers: [{match: '*', set: {A: \"b\\nC: d\"}}]}",
       "3:44 'defaults.headers[0].set.A': 'b\\nC: d' holds a line break or another control "
       "character"},
      {"defaults: {headers: [{match: '*', set: {A: ''}}]}",
       "3:44 'defaults.headers[0].set.A': '' is empty"},
      {"limits: {ranges: 65}", "3:18 'limits.ranges': '65' is out of range (1 to 64)"},
      {"limits: {digest_file: 2MB }", "ok"},
  };
  for (const auto& [line, expected] : cases) {
    const std::string said = brief_report(with(std::string(line) + '\n'));
    EXPECT_EQ(said, expected == "ok" ? "ok" : std::string(expected) + '\n') << line;
  }
}

TEST(Representations, RulesThatLeaveNoRoomInAResponseAreReportedWithTheMount) {
  std::string set;
  for (int index = 0; index < 3; ++index) {
    set += "X" + std::to_string(index) + ": " + std::string(900, 'v') + ", ";
  }
  EXPECT_EQ(brief_report(with("defaults: {headers: [{match: '*', set: {" + set + "}}]}\n")),
            "2:35 'sites[0].mounts[0]': the rules for fields set more than 64 fields or 2048 "
            "bytes\n");
}

}  // namespace
}  // namespace sluiced::config
