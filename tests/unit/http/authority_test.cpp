#include "http/authority.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

TEST(Authority, AcceptsHostsWithAndWithoutPort) {
  const struct {
    std::string_view text;
    std::string_view host;
    std::optional<int> port;
  } cases[] = {
      {"localhost", "localhost", {}},
      {"a.b-c.d123", "a.b-c.d123", {}},
      {"foo_bar.example.com", "foo_bar.example.com", {}},
      {"Example.ORG:8080", "Example.ORG", 8080},
      {"example.org.", "example.org.", {}},
      {"example.org:", "example.org", {}},
      {"example.org:0", "example.org", 0},
      {"example.org:65535", "example.org", 65535},
      {"example.org:00080", "example.org", 80},
      {"127.0.0.1", "127.0.0.1", {}},
      {"255.255.255.255:1", "255.255.255.255", 1},
      {"1.2.3.4.", "1.2.3.4.", {}},
      {"1.2.3.4.example", "1.2.3.4.example", {}},
      {"0.0.0.0=5000", "0.0.0.0=5000", {}},
      {"7zip.org", "7zip.org", {}},
      {"0xyz", "0xyz", {}},
      {"[::1]", "[::1]", {}},
      {"[::1]:8000", "[::1]", 8000},
      {"[::]", "[::]", {}},
      {"[::1:2]", "[::1:2]", {}},
      {"[4712::abcd]", "[4712::abcd]", {}},
      {"[4712:abcd::]", "[4712:abcd::]", {}},
      {"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", {}},
      {"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", {}},
      {"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", {}},
      {"[1:2:3:4:5:6:192.0.2.1]", "[1:2:3:4:5:6:192.0.2.1]", {}},
      {"[2001:DB8::AbCd]", "[2001:DB8::AbCd]", {}},
  };
  for (const auto& c : cases) {
    const auto authority = parse_authority(c.text);
    ASSERT_TRUE(authority) << c.text;
    EXPECT_EQ(authority->host, c.host) << c.text;
    EXPECT_EQ(authority->port.has_value(), c.port.has_value()) << c.text;
    if (c.port) {
      EXPECT_EQ(authority->port, *c.port) << c.text;
    }
  }
}

TEST(Authority, RefusesEverythingElse) {
  const std::string_view cases[] = {
      "",
      ":",
      ":80",
      ".",
      "..",
      ".a",
      "a..b",
      ".a.b.",
      "a b",
      "a,b",
      "a/b",
      "a\\b",
      "a@b",
      "a#b",
      "a?b",
      "a%41",
      "%3127.0.0.1",
      "a\xA0",
      "caf\xC3\xA9",
      "a\tb",
      "a[",
      "a]",
      "a\"b",
      "a<b",
      // Ports.
      "a:x",
      "a:-1",
      "a:+1",
      "a: 1",
      "a:80x",
      "a:80:80",
      "a::80",
      "a:65536",
      "a:100000",
      "a:0080 ",
      "[::1]x",
      "[::1]80",
      "[::1]:x",
      "[::1]:80:80",
      // Numbers that are no IPv4 address in canonical form.
      "017700000001",
      "0x7f.1",
      "0x7f000001",
      "0x",
      "127.01.0.1",
      "127.0.0.1.1",
      "1.2.3",
      "1",
      "256.1.1.1",
      "1.2.3.256",
      "1.2.3.4444",
      "1.2.3.0x4",
      "1.2.3.04",
      "a192.168.2.10",
      "example.1",
      "1.2.3.4..",
      // IPv6 literals.
      "[]",
      "[:]",
      "[:::]",
      "[1]",
      "[1:2:3:4:5:6:7]",
      "[1:2:3:4:5:6:7:8:9]",
      "[1:2:3:4:5:6:7:8::]",
      "[::1:2:3:4:5:6:7:8]",
      "[1::2::3]",
      "[4712::abcd::]",
      "[:1:2:3:4:5:6:7:8]",
      "[1:2:3:4:5:6:7:]",
      "[1:2:3:4:5:6:7:8:]",
      "[12345::]",
      "[g::]",
      "[::1",
      "::1]",
      "::1",
      "4713::abcd:8001",
      "[::1.2.3]",
      "[::1.2.3.256]",
      "[1.2.3.4]",
      "[1:2:3:4:5:6:7:1.2.3.4]",
      "[::1.2.3.4:5]",
      "[fe80::1%25eth0]",
      "[fe80::1%eth0]",
      "[v1.fe80::a+en1]",
      "[::1]' UNION SELECT '",
      "[::1]/../../../",
      "[::1]]",
  };
  for (const std::string_view text : cases) EXPECT_FALSE(parse_authority(text)) << text;
}

TEST(Authority, LimitsTheHostsLength) {
  EXPECT_TRUE(parse_authority(std::string(255, 'a') + ":80"));
  EXPECT_FALSE(parse_authority(std::string(256, 'a')));
}

bool same(std::string_view left, std::string_view right) {
  return same_authority(*parse_authority(left), *parse_authority(right), 80);
}

TEST(Authority, ComparesHostsWithoutCaseAndPortsWithTheDefault) {
  EXPECT_TRUE(same("Example.ORG", "example.org"));
  EXPECT_TRUE(same("a", "a:80"));
  EXPECT_TRUE(same("a:", "a:0080"));
  EXPECT_TRUE(same("[::A]:81", "[::a]:81"));
  EXPECT_FALSE(same("a", "b"));
  EXPECT_FALSE(same("a", "ab"));
  EXPECT_FALSE(same("a", "a:81"));
  EXPECT_FALSE(same("a:1", "a:2"));
  EXPECT_FALSE(same("a.", "a"));
}

}  // namespace
}  // namespace sluiced::http
