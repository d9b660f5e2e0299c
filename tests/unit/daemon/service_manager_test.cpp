// The protocol of sd_notify(3), as far as it is about descriptors.
#include "service/service_manager.hpp"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sluice/unique_fd.hpp>

#include "service/inherited_sockets.hpp"

namespace sluiced::service {
namespace {

using sluice::UniqueFd;

// What the other side gets in one datagram.
struct Received {
  std::string text;
  std::vector<UniqueFd> fds;
};

class Receiver {
 public:
  Receiver() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    // The kernel chooses an abstract name.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    socklen_t bytes = sizeof(address);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &bytes), 0);
    name_ = "@" + std::string(address.sun_path + 1, bytes - sizeof(sa_family_t) - 1);
  }

  [[nodiscard]] ServiceManager manager() const {
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
    return ServiceManager::from_environment();
  }

  [[nodiscard]] Received receive() const {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control{};
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    Received received;
    const auto bytes = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    received.text.assign(text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    if (const cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr) {
      std::vector<int> numbers((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(numbers.data(), CMSG_DATA(head), numbers.size() * sizeof(int));
      for (const int number : numbers) {
        received.fds.emplace_back(number);
      }
    }
    return received;
  }

 private:
  UniqueFd socket_;
  std::string name_;
};

bool is_same_file(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

TEST(ServiceManager, StoresSocketsUnderAName) {
  const Receiver receiver;
  const ServiceManager manager = receiver.manager();
  const UniqueFd one(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  manager.store("stored.web", std::array{one.get(), other.get()});
  const Received received = receiver.receive();
  EXPECT_EQ(received.text, "FDSTORE=1\nFDNAME=stored.web\n");
  ASSERT_EQ(received.fds.size(), 2U);
  EXPECT_TRUE(is_same_file(received.fds[0].get(), one.get()));
  EXPECT_TRUE(is_same_file(received.fds[1].get(), other.get()));
}

TEST(ServiceManager, StoresMoreSocketsThanOneMessageHolds) {
  const Receiver receiver;
  const ServiceManager manager = receiver.manager();
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  manager.store("stored.web", std::vector<int>(300, socket.get()));
  EXPECT_EQ(receiver.receive().fds.size(), 253U);
  const Received rest = receiver.receive();
  EXPECT_EQ(rest.text, "FDSTORE=1\nFDNAME=stored.web\n");
  EXPECT_EQ(rest.fds.size(), 47U);
}

TEST(ServiceManager, HasSocketsForgotten) {
  const Receiver receiver;
  receiver.manager().forget("stored.web");
  const Received received = receiver.receive();
  EXPECT_EQ(received.text, "FDSTOREREMOVE=1\nFDNAME=stored.web\n");
  EXPECT_TRUE(received.fds.empty());
}

TEST(ServiceManager, SettlesOnceTheOtherSideHasComeToTheBarrier) {
  const Receiver receiver;
  const ServiceManager manager = receiver.manager();
  std::atomic<bool> settled = false;
  manager.forget("stored.web");
  std::thread waiting([&] {
    manager.settle();
    settled = true;
  });
  EXPECT_EQ(receiver.receive().text, "FDSTOREREMOVE=1\nFDNAME=stored.web\n");
  {
    const Received barrier = receiver.receive();
    EXPECT_EQ(barrier.text, "BARRIER=1");
    ASSERT_EQ(barrier.fds.size(), 1U);
    EXPECT_FALSE(settled);  // the end of the pipe is still open here
  }
  waiting.join();
  EXPECT_TRUE(settled);
}

TEST(ServiceManager, SettlesAtOnceWhereThereIsNone) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceManager::from_environment().settle();
}

std::string stored(std::string_view address) {
  return stored_name(*config::parse_listen_address(address));
}

TEST(StoredName, IsTheAddressWithoutColons) {
  EXPECT_EQ(stored("127.0.0.1:8080"), "stored.127.0.0.1_8080");
  EXPECT_EQ(stored(":80"), stored("[::]:80"));
  for (const auto* const address : {":80", "[::1]:80", "0.0.0.0:80"}) {
    EXPECT_THAT(stored(address), testing::StartsWith("stored."));
    EXPECT_THAT(stored(address), testing::Not(testing::HasSubstr(":")));
  }
  EXPECT_NE(stored("[::]:80"), stored("0.0.0.0:80"));
}

TEST(StoredName, IsEmptyForWhatAnotherRunCouldNotUse) {
  EXPECT_EQ(stored("127.0.0.1:0"), "");
  EXPECT_EQ(stored("unix:/run/web"), "");
}

}  // namespace
}  // namespace sluiced::service
