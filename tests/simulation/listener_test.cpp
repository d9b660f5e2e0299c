// The listener: multishot accept, back-off, and closing without losing a descriptor.
#include <sluice/listener.hpp>

#include <cerrno>
#include <chrono>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/timer.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// A listener over a simulated listening socket.
class ListenerTest : public ::testing::Test {
 public:
  void start(const SimulatedRingOptions& options, const ReactorOptions& reactor_options = {}) {
    simulation_ = std::make_unique<Simulation>(options, reactor_options);
    socket_ = SimulatedStore::make_listener();
    listener_ =
        std::make_unique<Listener>(simulation().executor(), simulation().store().open(socket_));
  }
  void TearDown() override {
    listener_.reset();
    simulation_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_before_);
  }

  void connect(std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
      socket_->backlog.push_back(SimulatedStore::make_stream({}, true));
    }
  }
  [[nodiscard]] std::uint64_t accepts_armed() {
    return simulation().ring().operations_taken(Opcode::accept);
  }

  // Accepts a number of connections and drops them; gives the times at which they came.
  Task<void> accept(std::size_t count, std::vector<Duration>& times) {
    const TimePoint began_at = simulation().now();
    for (std::size_t index = 0; index < count; ++index) {
      const auto socket = co_await listener().accept();
      EXPECT_TRUE(socket.has_value());
      times.push_back(simulation().now() - began_at);
    }
  }
  Task<void> accept_and_close(std::size_t count, std::vector<Duration>& times) {
    co_await accept(count, times);
    co_await listener().close();
  }
  // Accepts until that fails; gives the error.
  Task<void> accept_all(std::size_t& count, int& error) {
    while (true) {
      const auto socket = co_await listener().accept();
      if (!socket) {
        error = socket.error().value();
        break;
      }
      ++count;
    }
    co_await listener().close();
  }

  [[nodiscard]] Simulation& simulation() noexcept { return *simulation_; }
  [[nodiscard]] Listener& listener() noexcept { return *listener_; }

 private:
  std::size_t descriptors_before_ = open_descriptors();
  std::unique_ptr<Simulation> simulation_;
  ObjectPointer socket_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, OneOperationAcceptsManyConnections) {
  start({});
  connect(100);
  std::vector<Duration> times;
  simulation().run(accept_and_close(100, times));
  EXPECT_EQ(times.size(), 100U);
  EXPECT_EQ(listener().accepted().value(), 100U);
  EXPECT_EQ(simulation().ring().operations_taken(), 1U);
}

TEST_F(ListenerTest, BacksOffWhenDescriptorsRunOutAndRecovers) {
  start({});
  connect(1);
  simulation().ring().plan(Opcode::accept, {-EMFILE, -ENFILE, -EMFILE, -EMFILE, -ENFILE, -ENOBUFS,
                                            -ENOMEM, -EMFILE, -EMFILE, -EMFILE});
  std::vector<Duration> times;
  simulation().run(accept_and_close(1, times));
  // 10 ms, doubled seven times to beyond the cap, and the cap from then on.
  EXPECT_EQ(times, (std::vector<Duration>{10ms + 20ms + 40ms + 80ms + 160ms + 320ms + 640ms + 1s +
                                          1s + 1s}));
  EXPECT_EQ(listener().backed_off().value(), 10U);
  EXPECT_LE(simulation().ring().enters(), 2U * 10U + 4U) << "it spins";
}

Task<void> accept_around_a_shortage(ListenerTest& test, std::vector<Duration>& times) {
  test.simulation().ring().plan(Opcode::accept, {-EMFILE, -EMFILE, -EMFILE});
  test.connect(1);
  co_await test.accept(1, times);
  test.simulation().ring().plan(Opcode::accept, {-EMFILE});
  test.connect(1);
  co_await test.accept(1, times);
  co_await test.listener().close();
}

TEST_F(ListenerTest, BackOffBeginsAgainAtTheShortestAfterASuccess) {
  start({});
  std::vector<Duration> times;
  simulation().run(accept_around_a_shortage(*this, times));
  EXPECT_EQ(times, (std::vector<Duration>{70ms, 10ms}));
}

TEST_F(ListenerTest, ConnectionThatIsGoneAlreadyIsPassedOverAtOnce) {
  start({});
  connect(1);
  simulation().ring().plan(Opcode::accept, {-ECONNABORTED, -EINTR, -ECONNABORTED});
  std::vector<Duration> times;
  simulation().run(accept_and_close(1, times));
  EXPECT_EQ(times, std::vector<Duration>{0ms});
  EXPECT_EQ(listener().backed_off().value(), 0U);
}

TEST_F(ListenerTest, MultishotThatEndsWithoutAnErrorIsArmedAgain) {
  start({.multishot_ends = 1});
  connect(20);
  std::vector<Duration> times;
  simulation().run(accept_and_close(20, times));
  EXPECT_EQ(times.size(), 20U);
  EXPECT_EQ(accepts_armed(), 20U);
  EXPECT_EQ(listener().backed_off().value(), 0U);
}

TEST_F(ListenerTest, SocketThatNeverAcceptsAgainSaysSo) {
  for (const int fatal : {EBADF, EINVAL, EOPNOTSUPP}) {
    start({});
    simulation().ring().plan(Opcode::accept, {-fatal});
    std::size_t count = 0;
    int error = 0;
    simulation().run(accept_all(count, error));
    EXPECT_EQ(error, fatal);
    EXPECT_EQ(accepts_armed(), 1U);
    TearDown();
  }
}

TEST_F(ListenerTest, FullTableOfOperationsIsAReasonToBackOff) {
  start({}, {.max_operations = 1});
  connect(1);
  RecordingWaker waker;
  ASSERT_TRUE(simulation().reactor().register_operation(waker, nop()).has_value());
  std::vector<Duration> times;
  simulation().run(accept_and_close(1, times));
  EXPECT_EQ(times, std::vector<Duration>{10ms});
  EXPECT_EQ(listener().backed_off().value(), 1U);
}

TEST_F(ListenerTest, MoreConnectionsThanMayWaitHereAreAllHandedOut) {
  start({});
  connect(1000);
  std::vector<Duration> times;
  // The kernel hands over what it has before it sees the cancel; nothing is lost.
  simulation().run(accept_and_close(1000, times));
  EXPECT_EQ(times.size(), 1000U);
  EXPECT_EQ(listener().accepted().value(), 1000U);
}

Task<void> close_and_accept_one_more(Listener& listener) {
  static_cast<void>(co_await sleep_for(1ms));
  co_await listener.close();
  const auto left = co_await listener.accept();
  EXPECT_TRUE(left.has_value());
}

TEST_F(ListenerTest, CloseHandsOutWhatWasAcceptedAndClosesTheRest) {
  start({});
  connect(10);
  std::vector<Duration> times;
  simulation().spawn(accept(1, times));
  simulation().run(close_and_accept_one_more(listener()));
  EXPECT_EQ(listener().accepted().value(), 10U);
  EXPECT_EQ(listener().fd(), -1);
  // Eight descriptors are still in the listener's hands; TearDown() sees them closed.
}

TEST_F(ListenerTest, DescriptorThatArrivesForACancelledAcceptIsClosed) {
  start({.is_scripted = true});
  simulation().ring().answer_cancels(CancelAnswer::not_found);
  simulation().ring().on_enter([this] {
    if (simulation().ring().cancels_taken() == 1) {
      UniqueFd late = simulation().store().open(SimulatedStore::make_stream({}, true));
      simulation().ring().complete(simulation().ring().pending().at(0).user_data, late.release());
      simulation().ring().on_enter(nullptr);
    }
  });
  std::size_t count = 0;
  int error = 0;
  simulation().spawn(accept_all(count, error));
  simulation().run(stop_after(simulation(), 1ms));
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(error, ECANCELED);
  EXPECT_EQ(listener().accepted().value(), 1U);
}

Task<Result<Socket>> accept_one(Listener& listener) { co_return co_await listener.accept(); }

Task<void> accept_after_a_timeout(ListenerTest& test) {
  Deadline deadline(co_await current_context());
  deadline.set(test.simulation().now() + 1s);
  const auto nobody = co_await accept_one(test.listener()).within(deadline.scope());
  EXPECT_FALSE(nobody.has_value());
  EXPECT_TRUE(deadline.has_expired());
  test.connect(1);
  const auto somebody = co_await test.listener().accept();
  EXPECT_TRUE(somebody.has_value());
  co_await test.listener().close();
}

TEST_F(ListenerTest, CancelledAcceptLeavesTheConnectionForTheNext) {
  start({});
  simulation().run(accept_after_a_timeout(*this));
  EXPECT_EQ(accepts_armed(), 1U) << "the accept stays armed when one waiter leaves";
}

Task<void> close_after(Listener& listener, Duration delay) {
  static_cast<void>(co_await sleep_for(delay));
  co_await listener.close();
}

TEST_F(ListenerTest, CloseEndsABackOff) {
  start({});
  simulation().ring().plan(Opcode::accept, {-EMFILE});
  const TimePoint began_at = simulation().now();
  std::size_t count = 0;
  int error = 0;
  simulation().spawn(accept_all(count, error));
  simulation().run(close_after(listener(), 5ms));
  EXPECT_EQ(error, ECANCELED);
  EXPECT_EQ(simulation().now() - began_at, 5ms);
}

}  // namespace
}  // namespace sluice::testing
