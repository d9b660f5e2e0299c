#include "admin/accept_queues.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sluice/unique_fd.hpp>

#include "metrics_page_fixture.hpp"

namespace sluiced::admin {
namespace {

constexpr int kBacklog = 64;

sluice::UniqueFd listen_on_loopback() {
  sluice::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(fd.get(), kBacklog), 0);
  return fd;
}

sluice::UniqueFd connect_to(const sluice::UniqueFd& listener) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  sluice::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  return fd;
}

class AcceptQueuesTest : public PageFixture {
 protected:
  void SetUp() override {
    make_shards(1);
    daemon.accept_queues = &queues;
  }
  [[nodiscard]] std::string connections_of(const std::string& listener) const {
    return ParsedPage(render()).value("sluiced_listener_accept_queue_connections{listener=\"" +
                                      listener + "\",shard=\"0\"}");
  }

  AcceptQueues queues;
};

TEST_F(AcceptQueuesTest, ShowHowManyConnectionsWaitAndHowManyMay) {
  const sluice::UniqueFd listener = listen_on_loopback();
  queues.watch("web", "0", listener.get());
  EXPECT_EQ(connections_of("web"), "0");
  std::vector<sluice::UniqueFd> clients;
  for (int count = 0; count < 5; ++count) {
    clients.push_back(connect_to(listener));
  }
  EXPECT_EQ(connections_of("web"), "5");
  EXPECT_EQ(ParsedPage(render()).value(
                "sluiced_listener_accept_queue_limit{listener=\"web\",shard=\"0\"}"),
            std::to_string(kBacklog));
  const sluice::UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  EXPECT_EQ(connections_of("web"), "4");
}

TEST_F(AcceptQueuesTest, AreTwoSeriesForEachListenerAndShard) {
  const std::size_t without = ParsedPage(render()).order.size();
  const sluice::UniqueFd first = listen_on_loopback();
  const sluice::UniqueFd second = listen_on_loopback();
  queues.watch("web", "0", first.get());
  queues.watch("web", "1", second.get());
  queues.watch("internal", "0", first.get());
  EXPECT_EQ(ParsedPage(render()).order.size() - without, 6U);
  EXPECT_EQ(MetricsPage::max_series(2, 3) - MetricsPage::max_series(2, 0), 6U);
}

TEST_F(AcceptQueuesTest, LeaveOutAListenerThatWasClosed) {
  sluice::UniqueFd listener = listen_on_loopback();
  queues.watch("web", "0", listener.get());
  listener.reset();
  EXPECT_EQ(connections_of("web"), "none");
}

TEST_F(AcceptQueuesTest, TellAnotherSocketUnderTheSameNumber) {
  const sluice::UniqueFd listener = listen_on_loopback();
  const sluice::UniqueFd other = listen_on_loopback();
  queues.watch("web", "0", listener.get());
  ASSERT_EQ(::dup3(other.get(), listener.get(), O_CLOEXEC), listener.get());
  EXPECT_EQ(connections_of("web"), "none");
  queues.watch("new", "0", listener.get());
  EXPECT_EQ(connections_of("new"), "0");
}

TEST_F(AcceptQueuesTest, LeaveOutSocketsThatHaveNone) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;  // and no path: the kernel chooses an abstract name
  const sluice::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address.sun_family)),
            0);
  ASSERT_EQ(::listen(listener.get(), kBacklog), 0);
  const sluice::UniqueFd tcp = listen_on_loopback();
  const sluice::UniqueFd client = connect_to(tcp);
  queues.watch("unix", "0", listener.get());
  queues.watch("client", "0", client.get());
  queues.watch("closed", "0", -1);
  EXPECT_EQ(connections_of("unix"), "none");
  EXPECT_EQ(connections_of("client"), "none");
  EXPECT_EQ(connections_of("closed"), "none");
}

}  // namespace
}  // namespace sluiced::admin
