// Who may come in: addresses, what counts as one, and how many connections each has.

#include "serve/admission.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "serve/peer_address.hpp"

namespace sluiced::serve {
namespace {

PeerAddress ipv4(const char* text) {
  std::array<std::uint8_t, 4> bytes{};
  EXPECT_EQ(::inet_pton(AF_INET, text, bytes.data()), 1) << text;
  return PeerAddress::ipv4(bytes);
}

PeerAddress ipv6(const char* text) {
  std::array<std::uint8_t, 16> bytes{};
  EXPECT_EQ(::inet_pton(AF_INET6, text, bytes.data()), 1) << text;
  return PeerAddress::ipv6(bytes);
}

std::string text_of(const PeerAddress& address) {
  PeerAddress::Text room;
  return std::string(address.write(room));
}

TEST(PeerAddress, IsWrittenInItsUsualForm) {
  EXPECT_EQ(text_of(ipv4("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(text_of(ipv6("2001:db8:0:0:0:0:0:1")), "2001:db8::1");
  EXPECT_EQ(text_of(ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(text_of(PeerAddress()), "unix:");
}

TEST(PeerAddress, MappedIpv4IsIpv4) {
  const PeerAddress mapped = ipv6("::ffff:192.0.2.1");
  EXPECT_EQ(mapped.kind(), PeerAddress::Kind::ipv4);
  EXPECT_EQ(text_of(mapped), "192.0.2.1");
  EXPECT_EQ(mapped.network(), ipv4("192.0.2.1").network());
}

TEST(PeerAddress, AnIpv6NetworkHas64Bits) {
  EXPECT_EQ(ipv6("2001:db8:1:2::1").network(), ipv6("2001:db8:1:2:ffff::9").network());
  EXPECT_NE(ipv6("2001:db8:1:2::1").network(), ipv6("2001:db8:1:3::1").network());
}

TEST(AddressLimit, AnAddressGetsItsNumberAndNoMore) {
  AddressLimit limit(2);
  auto first = limit.enter(ipv4("192.0.2.1"));
  const auto second = limit.enter(ipv4("192.0.2.1"));
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limit.enter(ipv4("192.0.2.1")));
  EXPECT_TRUE(limit.enter(ipv4("192.0.2.2")));
  first.reset();
  EXPECT_TRUE(limit.enter(ipv4("192.0.2.1")));
}

TEST(AddressLimit, AnIpv6NetworkIsOneAddress) {
  AddressLimit limit(1);
  const auto held = limit.enter(ipv6("2001:db8:1:2::1"));
  EXPECT_TRUE(held);
  EXPECT_FALSE(limit.enter(ipv6("2001:db8:1:2:3:4:5:6")));
  EXPECT_TRUE(limit.enter(ipv6("2001:db8:1:3::1")));
}

TEST(AddressLimit, AnIpv4AddressIsNotAnIpv6NetworkOfTheSameBits) {
  AddressLimit limit(1);
  const auto held = limit.enter(ipv4("0.0.0.1"));
  EXPECT_TRUE(held);
  EXPECT_TRUE(limit.enter(ipv6("0:0:0:1::1")));
}

TEST(AddressLimit, UnixSocketsAreNotCounted) {
  AddressLimit limit(1);
  std::vector<AddressLimit::Place> held;
  for (int count = 0; count < 10; ++count) {
    auto place = limit.enter(PeerAddress());
    ASSERT_TRUE(place);
    held.push_back(std::move(*place));
  }
  EXPECT_EQ(limit.size(), 0);
}

TEST(AddressLimit, OnlyAddressesWithConnectionsAreRemembered) {
  AddressLimit limit(4);
  for (std::uint32_t number = 0; number < 10'000; ++number) {
    const auto place = limit.enter(PeerAddress::ipv4(
        {10, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number), 1}));
    ASSERT_TRUE(place);
    EXPECT_EQ(limit.size(), 1);
  }
  EXPECT_EQ(limit.size(), 0);
}

TEST(AddressLimit, ARefusalLeavesNothingBehind) {
  AddressLimit limit(1);
  auto held = limit.enter(ipv4("192.0.2.1"));
  EXPECT_FALSE(limit.enter(ipv4("192.0.2.1")));
  held.reset();
  EXPECT_EQ(limit.size(), 0);
}

TEST(AddressLimit, TheCountIsExactWhenThreadsComeAtTheSameTime) {
  constexpr std::size_t kMost = 50;
  AddressLimit limit(kMost);
  std::array<std::vector<AddressLimit::Place>, 4> held;
  std::vector<std::thread> threads;
  for (auto& mine : held) {
    threads.emplace_back([&limit, &mine] {
      for (int count = 0; count < 100; ++count) {
        if (auto place = limit.enter(PeerAddress::ipv4({192, 0, 2, 1}))) {
          mine.push_back(std::move(*place));
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(held[0].size() + held[1].size() + held[2].size() + held[3].size(), kMost);
}

}  // namespace
}  // namespace sluiced::serve
