#include <sluice/socket_address.hpp>

#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include <sluice/unique_fd.hpp>

namespace sluice {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

TEST(SocketAddress, PrintsIpv4AndIpv6AsTheyAreWritten) {
  EXPECT_EQ(SocketAddress::ip("127.0.0.1", 80)->to_string(), "127.0.0.1:80");
  EXPECT_EQ(SocketAddress::ip("0.0.0.0", 0)->to_string(), "0.0.0.0:0");
  EXPECT_EQ(SocketAddress::ip("255.255.255.255", 65535)->to_string(), "255.255.255.255:65535");
  EXPECT_EQ(SocketAddress::ip("::1", 8080)->to_string(), "[::1]:8080");
  EXPECT_EQ(SocketAddress::ip("::", 1)->to_string(), "[::]:1");
  EXPECT_EQ(SocketAddress::ip("2001:DB8:0:0::1", 443)->to_string(), "[2001:db8::1]:443");
  EXPECT_EQ(SocketAddress::ip("fe80::1%lo", 5).value().to_string(), "[fe80::1%lo]:5");
}

TEST(SocketAddress, KnowsFamilySizeAndPort) {
  const SocketAddress v4 = *SocketAddress::ip("127.0.0.1", 8080);
  EXPECT_EQ(v4.family(), AF_INET);
  EXPECT_EQ(v4.size(), sizeof(sockaddr_in));
  EXPECT_EQ(v4.port(), 8080);
  EXPECT_FALSE(v4.is_unix());
  const SocketAddress v6 = *SocketAddress::ip("::1", 8081);
  EXPECT_EQ(v6.family(), AF_INET6);
  EXPECT_EQ(v6.size(), sizeof(sockaddr_in6));
  EXPECT_EQ(v6.port(), 8081);
  const SocketAddress path = *SocketAddress::unix_path("/run/x.sock");
  EXPECT_TRUE(path.is_unix());
  EXPECT_EQ(path.port(), 0);
}

TEST(SocketAddress, TakesAddressesAndNeverNames) {
  for (const auto host : {""sv, "localhost"sv, "example.org"sv, "127.0.0.1:80"sv, "[::1]"sv,
                          "1.2.3.4.5"sv, "256.0.0.1"sv, "::g"sv, " 127.0.0.1"sv, "127.0.0.1 "sv,
                          ":::"sv, "::1%no-such-interface"sv}) {
    const auto address = SocketAddress::ip(host, 80);
    ASSERT_FALSE(address) << host << " became " << address->to_string();
    EXPECT_EQ(address.error(), std::errc::invalid_argument) << host;
  }
}

TEST(SocketAddress, AStarIsNoAddress) { EXPECT_FALSE(SocketAddress::ip("*", 80)); }

TEST(SocketAddress, DoesNotCutAHostAtAZeroByte) {
  EXPECT_FALSE(SocketAddress::ip("127.0.0.1\0.example.org"sv, 80));
}

TEST(SocketAddress, UnixPathsAndAbstractNamesArePrintedApart) {
  EXPECT_EQ(SocketAddress::unix_path("/run/x.sock")->to_string(), "unix:/run/x.sock");
  EXPECT_EQ(SocketAddress::unix_path("x")->to_string(), "unix:x");
  EXPECT_EQ(SocketAddress::unix_path("@name")->to_string(), "unix:@name");
}

TEST(SocketAddress, UnixPathsHaveALengthLimit) {
  const std::string longest(107, 'x');
  EXPECT_EQ(SocketAddress::unix_path(longest)->to_string(), "unix:" + longest);
  EXPECT_EQ(SocketAddress::unix_path("@" + longest.substr(1))->to_string(),
            "unix:@" + longest.substr(1));
  for (const std::size_t length : {108U, 109U, 4096U}) {
    EXPECT_EQ(SocketAddress::unix_path(std::string(length, 'x')).error(),
              std::errc::filename_too_long);
    EXPECT_EQ(SocketAddress::unix_path("@" + std::string(length - 1, 'x')).error(),
              std::errc::filename_too_long);
  }
  EXPECT_EQ(SocketAddress::unix_path("").error(), std::errc::invalid_argument);
}

UniqueFd bound_to(const SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), address.data(), address.size()), 0) << address.to_string();
  return fd;
}

TEST(SocketAddress, ReadsBackWhatASocketIsBoundTo) {
  const UniqueFd v4 = bound_to(*SocketAddress::ip("127.0.0.1", 0));
  const auto v4_local = SocketAddress::local_of(v4.get());
  EXPECT_NE(v4_local->port(), 0);
  EXPECT_EQ(v4_local->to_string(), "127.0.0.1:" + std::to_string(v4_local->port()));
  const UniqueFd v6 = bound_to(*SocketAddress::ip("::1", 0));
  const auto v6_local = SocketAddress::local_of(v6.get());
  EXPECT_EQ(v6_local->to_string(), "[::1]:" + std::to_string(v6_local->port()));
}

TEST(SocketAddress, ReadsBackUnixNamesAsTheyWereGiven) {
  const std::string folder = ::testing::TempDir();
  const std::string stem = "sluice-address-" + std::to_string(::getpid());
  for (const std::string& name : {"@" + stem, "@" + stem + std::string(107 - stem.size() - 1, 'x'),
                                  folder + stem, "@" + stem + "\0inside"s}) {
    const auto address = SocketAddress::unix_path(name);
    ASSERT_TRUE(address) << name;
    const UniqueFd fd = bound_to(*address);
    EXPECT_EQ(SocketAddress::local_of(fd.get())->to_string(), "unix:" + name);
    if (name.front() != '@') {
      ::unlink(name.c_str());
    }
  }
}

TEST(SocketAddress, ThePeerWithoutANameIsAnEmptyUnixAddress) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const UniqueFd near(fds[0]);
  const UniqueFd far(fds[1]);
  EXPECT_EQ(SocketAddress::peer_of(near.get())->to_string(), "unix:");
  EXPECT_EQ(SocketAddress::local_of(near.get())->to_string(), "unix:");
}

TEST(SocketAddress, WhatIsNoSocketHasNoAddress) {
  EXPECT_EQ(SocketAddress::local_of(-1).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(SocketAddress::peer_of(-1).error(), std::errc::bad_file_descriptor);
  const UniqueFd fd = bound_to(*SocketAddress::ip("127.0.0.1", 0));
  EXPECT_EQ(SocketAddress::peer_of(fd.get()).error(), std::errc::not_connected);
}

TEST(SocketAddress, AnEmptyOneCanBePrinted) {
  const SocketAddress nothing;
  EXPECT_EQ(nothing.family(), AF_UNSPEC);
  EXPECT_EQ(nothing.size(), 0U);
  EXPECT_FALSE(nothing.to_string().empty());
}

}  // namespace
}  // namespace sluice
