#include "config/text_rules.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "config/suggest.hpp"

namespace sluiced::config {
namespace {

using Table = std::vector<std::pair<std::string, std::string_view>>;
using Rule = Parsed<std::string> (*)(std::string_view);

/// Every text must be kept as the second text of its row.
void expect_kept(Rule rule, const Table& table) {
  for (const auto& [text, kept] : table) {
    const auto result = rule(text);
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(*result, kept);
  }
}

/// Every text must be refused, for a reason that contains the second text of its row.
void expect_refused(Rule rule, const Table& table) {
  for (const auto& [text, reason] : table) {
    const auto result = rule(text);
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().find(reason), std::string::npos) << result.error();
  }
}

TEST(TextRules, NamesAreFitForMetricsLabels) {
  const std::string longest(64, 'a');
  expect_kept(check_name,
              {{"web", "web"}, {"_default", "_default"}, {"a-1_b", "a-1_b"}, {longest, longest}});
  expect_refused(check_name, {{"", "the value is empty"},
                              {"Web", "lower-case"},
                              {"a b", "lower-case"},
                              {"é", "lower-case"},
                              {"a\n", "'a\\n'"},
                              {longest + 'a', "longer than 64"}});
}

TEST(TextRules, HostsAreKeptAsARequestIsComparedWithThem) {
  const std::string label(63, 'a');
  expect_kept(check_host, {{"example.org", "example.org"},
                           {"Example.ORG", "example.org"},
                           {"localhost", "localhost"},
                           {"*.Example.org", "*.example.org"},
                           {"a_b.example", "a_b.example"},
                           {"xn--bcher-kva.example", "xn--bcher-kva.example"},
                           {"192.0.2.1", "192.0.2.1"},
                           {"[2001:DB8:0:0::1]", "[2001:db8::1]"},
                           {label + ".org", label + ".org"}});
}

TEST(TextRules, HostsAreRefusedWithAReason) {
  expect_refused(check_host, {{"", "the value is empty"},
                              {"*", "stands for every host"},
                              {"http://example.org", "is a URL"},
                              {"example.org:80", "has a port"},
                              {"[::1]:80", "has a port"},
                              {"[::1", "has no ]"},
                              {"[nope]", "no valid IPv6 address"},
                              {"::1", "has a port"},
                              {"exa mple", "is not a host name"},
                              {"example.org/", "is not a host name"},
                              {"example..org", "a dot too many"},
                              {"example.org.", "a dot too many"},
                              {".example.org", "a dot too many"},
                              {"*.", "a dot too many"},
                              {"*.*.org", "not the whole first label"},
                              {"a*.org", "not the whole first label"},
                              {"www.*.org", "not the whole first label"},
                              {"-a.org", "begins or ends with '-'"},
                              {"a-.org", "begins or ends with '-'"},
                              {"bücher.example", "xn--"},
                              {std::string(64, 'a') + ".org", "63"},
                              {std::string(254, 'a'), "253"}});
}

TEST(TextRules, MountPathsAreNormalisedAndEndInASlash) {
  expect_kept(check_mount_path, {{"/", "/"},
                                 {"/a/", "/a/"},
                                 {"/a b/ü/", "/a b/ü/"},
                                 {"/.well-known/", "/.well-known/"},
                                 {"/a\\b/", "/a\\b/"}});
  expect_refused(check_mount_path, {{"", "the value is empty"},
                                    {"a/", "begin and end with '/'"},
                                    {"/a", "begin and end with '/'"},
                                    {"//", "not normalised"},
                                    {"/a//b/", "not normalised"},
                                    {"/./", "not normalised"},
                                    {"/a/../", "not normalised"},
                                    {"/a%20b/", "decoded"},
                                    {"/a?/", "decoded"},
                                    {"/a#/", "decoded"},
                                    {"/a\n/", "control character"},
                                    {'/' + std::string(256, 'a') + '/', "255"}});
}

TEST(TextRules, RootsAreAbsolute) {
  expect_kept(check_root, {{"/", "/"}, {"/srv/a b", "/srv/a b"}, {"/srv/", "/srv/"}});
  expect_refused(check_root, {{"", "the value is empty"},
                              {"srv", "not an absolute path"},
                              {"./srv", "not an absolute path"},
                              {"~/srv", "not an absolute path"},
                              {std::string("/a\0b", 4), "control character"},
                              {'/' + std::string(5000, 'a'), "4095"}});
}

TEST(TextRules, IndexFilesAreNamesWithinTheDirectory) {
  expect_kept(check_file_name, {{"index.html", "index.html"}, {".index", ".index"}});
  expect_refused(check_file_name, {{"", "the value is empty"},
                                   {".", "not the name of a file"},
                                   {"..", "not the name of a file"},
                                   {"a/b", "not the name of a file"},
                                   {"/a", "not the name of a file"},
                                   {"a\r", "control character"},
                                   {std::string(256, 'a'), "255"}});
}

TEST(TextRules, CharsetsAreTokens) {
  expect_kept(check_charset, {{"utf-8", "utf-8"}, {"ISO-8859-1", "ISO-8859-1"}});
  expect_refused(check_charset, {{"", "the value is empty"},
                                 {"utf 8", "not the name of a charset"},
                                 {"utf-8\r\nX: y", "not the name of a charset"},
                                 {"utf-8; a=b", "not the name of a charset"},
                                 {std::string(41, 'a'), "not the name of a charset"}});
}

TEST(TextRules, UsersAreNamesOrNumbersPerhapsWithAGroup) {
  expect_kept(check_user, {{"www", "www"}, {"www:web", "www:web"}, {"33:33", "33:33"}});
  expect_refused(check_user, {{"", "the value is empty"},
                              {":", "not NAME or NAME:GROUP"},
                              {"www:", "not NAME or NAME:GROUP"},
                              {":web", "not NAME or NAME:GROUP"},
                              {"a:b:c", "not NAME or NAME:GROUP"},
                              {"a b", "not the name of a user"},
                              {"a\n", "not the name of a user"},
                              {std::string(300, 'a'), "not the name of a user"}});
}

TEST(Suggestions, FindTheWordThatWasMeant) {
  constexpr std::array<std::string_view, 5> known{"name", "hosts", "listeners", "mounts", "index"};
  const std::vector<std::pair<std::string_view, std::string_view>> table{
      {"listners", "listeners"},  // left out
      {"hostss", "hosts"},        // one too many
      {"indix", "index"},         // replaced
      {"nmae", "name"},           // swapped
      {"Mounts", "mounts"},
      {"listenres", "listeners"},
      {"name", "name"},
      {"tls", ""},
      {"auth", ""},
      {"namespace", ""},
      {"", ""},
  };
  for (const auto& [word, meant] : table) {
    EXPECT_EQ(suggest(word, known), meant) << word;
  }
  EXPECT_EQ(suggest(std::string(1'000'000, 'n'), known), "");
  EXPECT_EQ(suggest("name", {}), "");
}

}  // namespace
}  // namespace sluiced::config
