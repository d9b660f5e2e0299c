#include "config/address.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace sluiced::config {
namespace {

using Family = ListenAddress::Family;

TEST(ListenAddresses, AreReadAndWrittenInOneForm) {
  struct Row {
    std::string_view text;
    Family family;
    std::string_view host;
    int port;
    std::string_view canonical;
    bool wildcard;
    bool local;
  };
  const std::vector<Row> table{
      {"1.2.3.4:80", Family::kIpv4, "1.2.3.4", 80, "1.2.3.4:80", false, false},
      {"127.0.0.1:0", Family::kIpv4, "127.0.0.1", 0, "127.0.0.1:0", false, true},
      {"127.8.9.10:1", Family::kIpv4, "127.8.9.10", 1, "127.8.9.10:1", false, true},
      {"0.0.0.0:65535", Family::kIpv4, "0.0.0.0", 65535, "0.0.0.0:65535", true, false},
      {"[::1]:80", Family::kIpv6, "::1", 80, "[::1]:80", false, true},
      {"[2001:DB8:0::1]:80", Family::kIpv6, "2001:db8::1", 80, "[2001:db8::1]:80", false, false},
      {"[::ffff:1.2.3.4]:80", Family::kIpv6, "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]:80", false,
       false},
      {"[::]:8080", Family::kIpv6, "::", 8080, "[::]:8080", true, false},
      {":8080", Family::kIpv6, "::", 8080, "[::]:8080", true, false},
      {"unix:/run/sluice/web.sock", Family::kUnix, "", 0, "unix:/run/sluice/web.sock", false, true},
  };
  for (const Row& row : table) {
    const auto address = parse_listen_address(row.text);
    ASSERT_TRUE(address) << address.error();
    EXPECT_EQ(address->family, row.family) << row.text;
    EXPECT_EQ(address->host(), row.host) << row.text;
    EXPECT_EQ(address->port, row.port) << row.text;
    EXPECT_EQ(to_string(*address), row.canonical);
    EXPECT_EQ(address->is_wildcard(), row.wildcard) << row.text;
    EXPECT_EQ(address->is_local(), row.local) << row.text;
    EXPECT_EQ(parse_listen_address(row.canonical), *address);
  }
}

TEST(ListenAddresses, OnlyTheIpv6WildcardIsDualStack) {
  EXPECT_TRUE(parse_listen_address(":80")->is_dual_stack());
  EXPECT_TRUE(parse_listen_address("[::]:80")->is_dual_stack());
  EXPECT_FALSE(parse_listen_address("[::1]:80")->is_dual_stack());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:80")->is_dual_stack());
  EXPECT_FALSE(parse_listen_address("unix:/a")->is_dual_stack());
}

TEST(ListenAddresses, AreRefusedWithAReason) {
  struct Row {
    std::string_view text;
    std::string_view why;
  };
  const std::vector<Row> table{
      {"", "the address is empty"},
      {"8080", "'8080' has no address: write 127.0.0.1:8080, or :8080 for all addresses"},
      {"127.0.0.1", "'127.0.0.1' has no port: write it as in :8080"},
      {"[::1]", "'[::1]' has no port: write it as in :8080"},
      {"127.0.0.1:", "'127.0.0.1:' has no valid port (0 to 65535) after the last colon"},
      {":65536", "':65536' has no valid port (0 to 65535) after the last colon"},
      {":-1", "':-1' has no valid port (0 to 65535) after the last colon"},
      {":080", "':080' has no valid port (0 to 65535) after the last colon"},
      {":80 ", "':80 ' has no valid port (0 to 65535) after the last colon"},
      {":http", "':http' has no valid port (0 to 65535) after the last colon"},
      {"1.2.3:80", "'1.2.3:80' has no valid IPv4 address before the port"},
      {"1.2.3.256:80", "'1.2.3.256:80' has no valid IPv4 address before the port"},
      {"01.2.3.4:80", "'01.2.3.4:80' has no valid IPv4 address before the port"},
      {"::1:80", "'::1:80' has an IPv6 address without brackets: write \"[::1]:8080\""},
      {"[::1:80", "'[::1:80' has a [ without its ]"},
      {"[::1]x:80", "'[::1]x:80' has something between the ] and the port"},
      {"[1.2.3.4]:80", "'[1.2.3.4]:80' has no valid IPv6 address between the brackets"},
      {"[]:80", "'[]:80' has no valid IPv6 address between the brackets"},
      {"[fe80::1%eth0]:80", "'[fe80::1%eth0]:80' names a zone, which is not supported"},
      {"*:80", "'*:80' is not an address: leave the host out, as in :8080, for all of them"},
      {"localhost:80",
       "'localhost:80' has a host name, and names are not looked up: write an IP address"},
      {"unix:", "'unix:' needs an absolute path, as in unix:/run/sluice/web.sock"},
      {"unix:web.sock", "'unix:web.sock' needs an absolute path, as in unix:/run/sluice/web.sock"},
      {"unix:@name", "'unix:@name' needs an absolute path, as in unix:/run/sluice/web.sock"},
      {"unix:/run/", "'unix:/run/' names a directory"},
  };
  for (const Row& row : table) {
    const auto address = parse_listen_address(row.text);
    ASSERT_FALSE(address) << row.text;
    EXPECT_EQ(address.error(), row.why);
  }
}

TEST(ListenAddresses, WithNulBytesAreRefused) {
  EXPECT_FALSE(parse_listen_address(std::string_view("127.0.0.1\0x:80", 14)));
  EXPECT_FALSE(parse_listen_address(std::string_view("[::1\0]:80", 9)));
  EXPECT_FALSE(parse_listen_address(std::string_view("unix:/a\0b", 9)));
}

TEST(ListenAddresses, UnixPathsFitIntoASocketAddress) {
  EXPECT_TRUE(parse_listen_address("unix:/" + std::string(106, 'a')));
  EXPECT_FALSE(parse_listen_address("unix:/" + std::string(107, 'a')));
}

TEST(ListenAddresses, CollideWhenOneLeavesNoRoomForTheOther) {
  const auto collide_as_text = [](std::string_view one, std::string_view other) {
    const auto first = parse_listen_address(one);
    const auto second = parse_listen_address(other);
    EXPECT_EQ(collide(*first, *second), collide(*second, *first));
    return collide(*first, *second);
  };
  EXPECT_TRUE(collide_as_text("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(collide_as_text(":80", "0.0.0.0:80"));
  EXPECT_TRUE(collide_as_text(":80", "[::]:80"));
  EXPECT_TRUE(collide_as_text("unix:/a", "unix:/a"));
  EXPECT_FALSE(collide_as_text("127.0.0.1:80", "127.0.0.1:81"));
  EXPECT_FALSE(collide_as_text("127.0.0.1:80", "127.0.0.2:80"));
  // The more specific listener wins.
  EXPECT_FALSE(collide_as_text("0.0.0.0:80", "127.0.0.1:80"));
  // The kernel gives each a port of its own.
  EXPECT_FALSE(collide_as_text("127.0.0.1:0", "127.0.0.1:0"));
  EXPECT_FALSE(collide_as_text("unix:/a", "unix:/b"));
  EXPECT_FALSE(collide_as_text("unix:/a", ":80"));
}

}  // namespace
}  // namespace sluiced::config
