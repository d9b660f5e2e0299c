// Who may wait for a disk, and who has to wait for that.
#include "files/cold_reads.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>
#include <sluice/task_scope.hpp>

#include "../runtime/support.hpp"

namespace sluiced::files {
namespace {

using sluice::runtime_test::Loop;

constexpr std::uint64_t kHanging = 1;
constexpr std::uint64_t kOther = 2;
constexpr bool kRemote = true;

class ColdReadsTest : public ::testing::Test {
 public:
  // Takes a place, says so, and keeps it until `leave_` is set.
  sluice::Task<void> visit(std::string name, std::uint64_t device, bool is_remote,
                           sluice::Event& leave,
                           ColdReads::Beginning beginning = ColdReads::Beginning::operation) {
    const auto place = co_await reads_.enter(device, is_remote, beginning);
    entered_.push_back(place ? name : name + " not");
    static_cast<void>(co_await leave.wait());
  }
  static sluice::Task<void> turns(int count) {
    for (int turn = 0; turn < count; ++turn) {
      co_await sluice::yield();
    }
  }

  Loop loop_;
  observe::ColdReadMetrics metrics_;
  ColdReads reads_{loop_.executor(), metrics_, 4};  // 2 for each remote file system
  std::vector<std::string> entered_;
};

TEST_F(ColdReadsTest, AFileSystemThatHangsLeavesPlacesToAnother) {
  loop_.run([](ColdReadsTest& test) -> sluice::Task<void> {
    sluice::Event leave;
    sluice::TaskScope scope(co_await sluice::current_context());
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
      scope.spawn(test.visit(name, kHanging, kRemote, leave));
    }
    scope.spawn(test.visit("other", kOther, kRemote, leave));
    scope.spawn(test.visit("local", kOther + 1, !kRemote, leave));
    co_await turns(5);
    EXPECT_EQ(test.entered_, (std::vector<std::string>{"a", "b", "other", "local"}));
    EXPECT_EQ(test.metrics_.queued.value(), 4U);
    EXPECT_EQ(test.metrics_.waiting.value(), 4);
    leave.set();
    co_await scope.join();
  }(*this));
  EXPECT_EQ(metrics_.waiting.value(), 0);
}

TEST_F(ColdReadsTest, WhoHasWaitedLongestGoesFirst) {
  loop_.run([](ColdReadsTest& test) -> sluice::Task<void> {
    sluice::Event leave;
    sluice::TaskScope scope(co_await sluice::current_context());
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      scope.spawn(test.visit(name, kHanging, kRemote, leave));
    }
    co_await turns(5);
    leave.set();
    co_await scope.join();
  }(*this));
  EXPECT_EQ(entered_, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_F(ColdReadsTest, OneTurnBeginsAFewOperationsAndFewerStreams) {
  constexpr int kVisitors = 40;
  const auto most_begun_in_a_turn = [this](ColdReads::Beginning beginning) {
    std::int64_t most = 0;
    loop_.run([](ColdReadsTest& test, ColdReads::Beginning what,
                 std::int64_t& found) -> sluice::Task<void> {
      sluice::Event leave;
      sluice::TaskScope scope(co_await sluice::current_context());
      for (int number = 0; number < kVisitors; ++number) {
        scope.spawn(test.visit("local", kOther, !kRemote, leave, what));
      }
      for (std::int64_t before = 0; before < kVisitors;) {
        co_await sluice::yield();
        const std::int64_t now = test.metrics_.waiting.value();
        found = std::max(found, now - before);
        before = now;
      }
      leave.set();
      co_await scope.join();
    }(*this, beginning, most));
    return most;
  };
  const auto operations = most_begun_in_a_turn(ColdReads::Beginning::operation);
  const auto streams = most_begun_in_a_turn(ColdReads::Beginning::read_ahead);
  EXPECT_GT(streams, 0);
  EXPECT_LT(streams, operations);
  EXPECT_LT(operations, kVisitors / 4);
}

TEST_F(ColdReadsTest, WhoeverHasAPlaceGetsABuffer) {
  loop_.run([](ColdReadsTest& test) -> sluice::Task<void> {
    sluice::Event leave;
    sluice::TaskScope scope(co_await sluice::current_context());
    for (int number = 0; number < 500; ++number) {
      scope.spawn(test.visit("local", kOther, !kRemote, leave));
    }
    co_await turns(200);
    std::vector<sluice::BufferLease> leases;
    const auto inside = test.metrics_.waiting.value();
    for (std::int64_t count = 0; count < inside; ++count) {
      auto lease = test.reads_.take_buffer();
      EXPECT_TRUE(lease.has_value());
      if (lease) {
        leases.push_back(std::move(*lease));
      }
    }
    EXPECT_GT(inside, 16);
    EXPECT_LT(inside, 500);
    leave.set();
    co_await scope.join();
  }(*this));
  EXPECT_EQ(entered_.size(), 500U);
}

TEST_F(ColdReadsTest, WhoIsCancelledLeavesTheQueue) {
  loop_.run([](ColdReadsTest& test) -> sluice::Task<void> {
    sluice::Event leave;
    sluice::TaskScope stay(co_await sluice::current_context());
    sluice::TaskScope go(co_await sluice::current_context());
    stay.spawn(test.visit("a", kHanging, kRemote, leave));
    stay.spawn(test.visit("b", kHanging, kRemote, leave));
    co_await turns(2);
    go.spawn(test.visit("gone", kHanging, kRemote, leave));
    co_await turns(2);
    stay.spawn(test.visit("c", kHanging, kRemote, leave));
    co_await turns(2);
    go.cancel();
    co_await go.join();
    leave.set();
    co_await stay.join();
  }(*this));
  EXPECT_EQ(entered_, (std::vector<std::string>{"a", "b", "gone not", "c"}));
}

}  // namespace
}  // namespace sluiced::files
