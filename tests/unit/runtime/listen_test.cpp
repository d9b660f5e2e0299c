// Listener::listen(), and a listener that runs out of descriptors.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <sluice/listener.hpp>
#include <sluice/sync.hpp>
#include <sluice/timer.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

int connect_error(const SocketAddress& address) {
  const UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(fd.get(), address.data(), address.size()) == 0 || errno == EINPROGRESS ? 0
                                                                                          : errno;
}

TEST(Listen, SharesAPortOnlyWhenAsked) {
  const auto any = SocketAddress::ip("127.0.0.1", 0).value();
  const auto alone = Listener::listen(any).value();
  const auto taken = SocketAddress::local_of(alone.get()).value();
  EXPECT_EQ(Listener::listen(taken).error(), std::errc::address_in_use);
  EXPECT_EQ(Listener::listen(taken, {.reuse_port = true}).error(), std::errc::address_in_use);
  const auto first = Listener::listen(any, {.reuse_port = true}).value();
  const auto shared = SocketAddress::local_of(first.get()).value();
  EXPECT_TRUE(Listener::listen(shared, {.reuse_port = true}));
}

TEST(Listen, SaysWhyItCannot) {
  EXPECT_EQ(Listener::listen(SocketAddress::ip("192.0.2.1", 0).value()).error(),
            std::errc::address_not_available);
  EXPECT_FALSE(Listener::listen(SocketAddress()));
  EXPECT_EQ(Listener::listen(SocketAddress::unix_path("/no/such/folder/s").value()).error(),
            std::errc::no_such_file_or_directory);
}

TEST(Listen, OnAllOfIpv6TakesIpv4TooUnlessToldNot) {
  for (const bool ipv6_only : {false, true}) {
    const auto fd = Listener::listen(SocketAddress::ip("::", 0).value(), {.ipv6_only = ipv6_only});
    ASSERT_TRUE(fd);
    const std::uint16_t port = SocketAddress::local_of(fd->get())->port();
    // A connection that is not refused shows in the listener's queue.
    const UniqueFd v4(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = SocketAddress::ip("127.0.0.1", port).value();
    EXPECT_EQ(::connect(v4.get(), address.data(), address.size()) == 0, !ipv6_only);
  }
}

class ListenOnUnix : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = folder_.path("socket");
  SocketAddress address_ = SocketAddress::unix_path(path_).value();
};

TEST_F(ListenOnUnix, GivesTheFileTheModeItIsAskedFor) {
  for (const unsigned mode : {0600U, 0660U, 0666U}) {
    const auto fd = Listener::listen(address_, {.unix_mode = mode});
    ASSERT_TRUE(fd);
    struct stat found{};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, mode);
  }
}

TEST_F(ListenOnUnix, ReplacesAFileThatNobodyListensOn) {
  {
    ASSERT_TRUE(Listener::listen(address_));
  }
  ASSERT_TRUE(std::filesystem::exists(path_)) << "closing leaves the file";
  const auto fd = Listener::listen(address_);
  ASSERT_TRUE(fd) << fd.error().message();
  EXPECT_EQ(connect_error(address_), 0);
}

TEST_F(ListenOnUnix, LeavesAFileAloneThatSomebodyListensOn) {
  const auto live = Listener::listen(address_).value();
  EXPECT_EQ(Listener::listen(address_).error(), std::errc::address_in_use);
  EXPECT_EQ(connect_error(address_), 0) << "the one who was first still answers";
}

TEST_F(ListenOnUnix, LeavesAFileAloneWhoseListenerIsTooBusyToAnswer) {
  const auto live = Listener::listen(address_, {.backlog = 0}).value();
  const Socket filler(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  ASSERT_EQ(::connect(filler.fd(), address_.data(), address_.size()), 0);
  ASSERT_EQ(connect_error(address_), EAGAIN);
  EXPECT_EQ(Listener::listen(address_).error(), std::errc::address_in_use);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListenOnUnix, LeavesAloneWhatIsNoSocket) {
  static_cast<void>(folder_.file("socket", "precious"));
  EXPECT_EQ(Listener::listen(address_).error(), std::errc::address_in_use);
  EXPECT_EQ(content_of(path_), "precious");
  std::filesystem::rename(path_, folder_.path("elsewhere"));
  std::filesystem::create_symlink("elsewhere", path_);
  EXPECT_EQ(Listener::listen(address_).error(), std::errc::address_in_use);
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(content_of(path_), "precious");
}

TEST_F(ListenOnUnix, LeavesADatagramSocketAlone) {
  const UniqueFd datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(datagrams.get(), address_.data(), address_.size()), 0);
  EXPECT_EQ(Listener::listen(address_).error(), std::errc::address_in_use);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListenOnUnix, AnAbstractNameIsTakenWhileItIsHeld) {
  const auto name =
      SocketAddress::unix_path("@sluice-listen-" + std::to_string(::getpid())).value();
  auto first = Listener::listen(name);
  ASSERT_TRUE(first);
  EXPECT_EQ(Listener::listen(name).error(), std::errc::address_in_use);
  first->reset();
  EXPECT_TRUE(Listener::listen(name));
}

rlim_t lowest_free_descriptor() {
  const int fd = ::dup(STDERR_FILENO);
  ::close(fd);
  return static_cast<rlim_t>(fd);
}

// Ten clients wait, and no descriptor is left for the connections: the listener must neither spin
// nor give up, and take all of them once there is room again.
[[noreturn]] void run_out_of_descriptors() {
  Loop loop;
  Listener listener(loop.executor(),
                    Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
  const SocketAddress address = SocketAddress::local_of(listener.fd()).value();
  std::deque<UniqueFd> clients;
  for (int count = 0; count < 10; ++count) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHILD_CHECK(::connect(clients.back().get(), address.data(), address.size()) == 0);
  }
  rlimit plenty{};
  CHILD_CHECK(::getrlimit(RLIMIT_NOFILE, &plenty) == 0);
  // Two of the ten find a descriptor.
  const rlimit few{lowest_free_descriptor() + 2, plenty.rlim_max};
  CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::deque<Socket> accepted;
  const auto accept = [&]() -> Task<void> {
    while (auto socket = co_await listener.accept()) {
      accepted.push_back(std::move(*socket));
    }
  };
  const auto look_after = [&]() -> Task<void> {
    const Counter& enters = loop.reactor().metrics().enters;
    const std::uint64_t enters_before = enters.value();
    std::uint64_t looks = 0;
    while (listener.backed_off().value() < 4) {
      CHILD_CHECK(co_await sleep_for(10ms));
      ++looks;
    }
    CHILD_CHECK(accepted.size() == 2);
    CHILD_CHECK(enters.value() - enters_before <= 4 * (looks + 4) + 10);
    CHILD_CHECK(::setrlimit(RLIMIT_NOFILE, &plenty) == 0);
    while (accepted.size() < 10) {
      CHILD_CHECK(co_await sleep_for(10ms));
    }
    co_await listener.close();
  };
  loop.spawn(accept());
  loop.spawn(look_after());
  loop.run();
  CHILD_CHECK(listener.accepted().value() == 10);
  ::_exit(0);
}

TEST(ListenerOnABlockingSocket, NeverBlocksItsThread) {
  Loop loop;
  UniqueFd fd = Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value();
  ASSERT_EQ(::fcntl(fd.get(), F_SETFL, 0), 0);
  const auto address = SocketAddress::local_of(fd.get()).value();
  Listener listener(loop.executor(), std::move(fd));
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), address.data(), address.size()), 0);
  EXPECT_EQ(listener.try_accept().error(), std::errc::resource_unavailable_try_again);
  loop.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await listener.accept(1));
    co_await listener.close();
  }());
}

// However many completions there is room for: no more can come at once than the queue holds.
TEST(ListenerWithAShortQueue, TakesAllThatWaitFromACallerWhoHasRoomForAQueue) {
  constexpr std::size_t kRoom = 8 + 200;
  Loop loop({.submission_entries = 64, .completion_entries = 4096});
  Listener listener(
      loop.executor(),
      Listener::listen(SocketAddress::ip("127.0.0.1", 0).value(), {.backlog = 8}).value());
  const SocketAddress address = SocketAddress::local_of(listener.fd()).value();
  std::deque<UniqueFd> clients;
  const auto connect_three = [&] {
    for (int count = 0; count < 3; ++count) {
      clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      ASSERT_EQ(::connect(clients.back().get(), address.data(), address.size()), 0);
    }
  };
  loop.run([&]() -> Task<void> {
    EXPECT_FALSE(listener.is_accepting());
    connect_three();
    EXPECT_TRUE(co_await listener.accept(8));
    EXPECT_EQ(listener.accepted().value(), 1U);
    EXPECT_FALSE(listener.is_accepting());
    EXPECT_TRUE(co_await listener.accept(kRoom));
    EXPECT_EQ(listener.accepted().value(), 3U);
    EXPECT_TRUE(listener.is_accepting());

    EXPECT_TRUE(listener.set_backlog(512));
    EXPECT_TRUE(co_await listener.accept(kRoom));  // who has come already; the others are left
    while (listener.is_accepting()) {
      co_await yield();
    }
    connect_three();
    EXPECT_TRUE(co_await listener.accept(kRoom));
    EXPECT_EQ(listener.accepted().value(), 4U);
    co_await listener.close();
  }());
}

TEST(ListenerWithoutDescriptors, BacksOffWithoutSpinningAndRecovers) {
  EXPECT_EXIT(run_out_of_descriptors(), ::testing::ExitedWithCode(0), "");
}

// The same for the table of operations: the listener cannot even arm.
TEST(ListenerWithoutOperations, BacksOffWithoutSpinningAndRecovers) {
  Loop loop(kSmallRing, {.max_operations = 2});
  Listener listener(loop.executor(),
                    Listener::listen(SocketAddress::ip("127.0.0.1", 0).value()).value());
  const SocketAddress address = SocketAddress::local_of(listener.fd()).value();
  const Pair pair = socket_pair();
  bool accepted = false;
  const auto hold_a_place = [&]() -> Task<void> {
    std::array<std::byte, 4> buffer;
    static_cast<void>(co_await pair.near.receive(buffer));
  };
  const auto accept = [&]() -> Task<void> {
    accepted = (co_await listener.accept()).has_value();
    co_await listener.close();
  };
  loop.spawn(hold_a_place());
  loop.spawn(hold_a_place());
  loop.spawn(accept());
  loop.spawn(calling([&]() -> Task<void> {
    while (listener.backed_off().value() < 3) {
      CO_ASSERT_TRUE(co_await sleep_for(10ms));
    }
    EXPECT_FALSE(accepted);
    put(pair.far.fd(), "12345678");  // four bytes for each
    EXPECT_EQ(connect_error(address), 0);
  }));
  loop.run();
  EXPECT_TRUE(accepted);
  EXPECT_LE(loop.reactor().metrics().enters.value(), 60U);
}

}  // namespace
}  // namespace sluice::runtime_test
