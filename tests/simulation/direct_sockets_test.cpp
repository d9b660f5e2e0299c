// Connections accepted into a table of direct descriptors: the kernel drops what it finds no place
// for, so none may ever be asked for without.
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/direct_files.hpp>
#include <sluice/file.hpp>
#include <sluice/listener.hpp>
#include <sluice/task_scope.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"
#include "workload.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// Clients that connect, a listener with a table, handlers that hold a connection for a while, and
// others that want places of the same table.
class Crowd {
 public:
  Crowd(const SimulatedRingOptions& options, unsigned places)
      : simulation_(options),
        random_(options.seed),
        table_(DirectFiles::create(simulation_.ring(), places).value()) {
    listener_.emplace(simulation_.executor(), simulation_.store().open(socket_), *table_);
    simulation_.store().name("file", SimulatedStore::make_file(pattern(100)));
  }

  void connect(std::size_t count) {
    for (; count > 0; --count) {
      // Each sends its number, and the end.
      socket_->backlog.push_back(SimulatedStore::make_stream(pattern(1, clients_++), true));
    }
  }
  Task<void> serve(std::size_t most) {
    TaskScope handlers(co_await current_context());
    for (std::size_t count = 0; count < most; ++count) {
      auto socket = co_await listener_->accept();
      if (!socket) {
        EXPECT_EQ(socket.error(), std::errc::operation_canceled);
        break;
      }
      handlers.spawn(handle(std::move(*socket)));
    }
    co_await listener_->close();
    co_await handlers.join();
  }
  Task<void> bring(std::size_t bursts) {
    for (std::size_t burst = 0; burst < bursts; ++burst) {
      connect(random_.below(40));
      static_cast<void>(co_await sleep_for(std::chrono::microseconds(random_.below(2000))));
    }
  }
  Task<void> open_and_close(std::size_t times) {
    for (std::size_t turn = 0; turn < times; ++turn) {
      auto opened = co_await File::open_direct(*table_, "file", O_RDONLY);
      if (!opened) {
        full_ += opened.error() == std::errc::too_many_files_open_in_system ? 1 : 0;
        continue;
      }
      File file(std::move(*opened));
      static_cast<void>(co_await sleep_for(std::chrono::microseconds(random_.below(500))));
      static_cast<void>(co_await file.close());
    }
  }

  // Everything has ended: nothing is lost, and nothing left.
  void expect_nothing_left() {
    listener_.reset();  // with what nobody took
    EXPECT_EQ(simulation_.ring().connections_dropped(), 0U);
    EXPECT_EQ(table_->in_use().value(), 0);
    EXPECT_EQ(table_->available(), table_->slots());
    EXPECT_EQ(simulation_.ring().direct_descriptors_open(), 0U);
    EXPECT_EQ(simulation_.reactor().in_flight(), 0U);
  }

  [[nodiscard]] Simulation& simulation() noexcept { return simulation_; }
  [[nodiscard]] Listener& listener() noexcept { return *listener_; }
  [[nodiscard]] DirectFiles& table() noexcept { return *table_; }
  [[nodiscard]] std::size_t served() const noexcept { return served_; }
  [[nodiscard]] std::size_t full() const noexcept { return full_; }

 private:
  Task<void> handle(Socket socket) {
    EXPECT_TRUE(socket.descriptor().is_direct());
    Bytes buffer(4);
    const auto got = co_await socket.receive(buffer);
    served_ += got && *got == 1 ? 1 : 0;
    static_cast<void>(co_await sleep_for(std::chrono::microseconds(random_.below(3000))));
    if (random_.chance(0.5)) {
      static_cast<void>(co_await socket.close());
    }
  }

  Simulation simulation_;
  SeededRandom random_;
  ObjectPointer socket_ = SimulatedStore::make_listener();
  std::unique_ptr<DirectFiles> table_;
  std::optional<Listener> listener_;
  std::size_t clients_ = 0;
  std::size_t served_ = 0;
  std::size_t full_ = 0;
};

TEST(DirectSockets, AreAcceptedAndServedWithoutADescriptorOfTheProcess) {
  Crowd crowd({}, 200);
  const std::size_t before = open_descriptors();
  crowd.connect(100);
  crowd.simulation().run(crowd.serve(100));
  EXPECT_EQ(open_descriptors(), before - 1) << "only the listening socket is gone";
  EXPECT_EQ(crowd.served(), 100U);
  crowd.expect_nothing_left();
}

TEST(DirectSockets, ATableOfOnePlaceServesAllOneAfterTheOther) {
  Crowd crowd({}, 1);
  crowd.connect(20);
  crowd.simulation().run(crowd.serve(20));
  EXPECT_EQ(crowd.served(), 20U);
  EXPECT_GT(crowd.listener().backed_off().value(), 0U);
  crowd.expect_nothing_left();
}

Task<void> take_places(DirectFiles& table, std::vector<DirectDescriptor>& taken) {
  while (taken.size() < table.slots()) {
    auto opened = co_await File::open_direct(table, "file", O_RDONLY);
    taken.push_back(std::move(opened.value()));
  }
}

Task<void> give_back_after(Duration delay, std::vector<DirectDescriptor>& taken) {
  static_cast<void>(co_await sleep_for(delay));
  taken.clear();
}

TEST(DirectSockets, AFullTableIsAReasonToBackOffNotToSpin) {
  Crowd crowd({}, 2);
  std::vector<DirectDescriptor> taken;
  crowd.simulation().run(take_places(crowd.table(), taken));
  const std::uint64_t enters = crowd.simulation().ring().enters();
  crowd.connect(1);
  crowd.simulation().spawn(crowd.serve(1));
  crowd.simulation().run(give_back_after(5s, taken));
  EXPECT_EQ(crowd.served(), 1U);
  EXPECT_GE(crowd.listener().backed_off().value(), 8U);
  EXPECT_LT(crowd.simulation().ring().enters() - enters, 60U);
  crowd.expect_nothing_left();
}

Task<void> accept_until_cancelled(Listener& listener) {
  const auto socket = co_await listener.accept();
  EXPECT_EQ(socket.error(), std::errc::operation_canceled);
}

Task<void> leave_and_close(Crowd& crowd) {
  TaskScope scope(co_await current_context());
  scope.spawn(accept_until_cancelled(crowd.listener()));
  static_cast<void>(co_await sleep_for(1us));
  scope.cancel();
  co_await scope.join();
  crowd.connect(1);
  co_await crowd.listener().close();
}

TEST(DirectSockets, OneThatArrivesForAWaiterWhoLeftIsClosedWithTheListener) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Crowd crowd({.seed = seed, .longest_latency = 10ms}, 4);
    crowd.simulation().ring().answer_cancels(CancelAnswer::not_found);
    crowd.simulation().run(leave_and_close(crowd));
    EXPECT_EQ(crowd.listener().accepted().value(), 1U) << seed;
    EXPECT_EQ(crowd.simulation().ring().direct_descriptors_open(), 1U) << seed;
    crowd.expect_nothing_left();
  }
}

TEST(DirectSockets, NoneIsLostOrLeftWhateverTheKernelDoesAndWhereverTheStopComes) {
  std::size_t served = 0;
  std::size_t full = 0;
  std::uint64_t backed_off = 0;
  for (std::uint64_t seed = 1; seed <= 1500 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::size_t before = open_descriptors();
    {
      SeededRandom random(seed);
      SimulatedRingOptions options = unkind_kernel(seed);
      const auto places = static_cast<unsigned>(random.between(1, 160));
      Crowd crowd(options, places);
      const bool is_stopped = random.chance(0.5);
      crowd.simulation().spawn(crowd.bring(random.between(1, 10)));
      for (int opener = 0; opener < 3; ++opener) {
        crowd.simulation().spawn(crowd.open_and_close(random.below(20)));
      }
      crowd.simulation().spawn(crowd.serve(random.between(1, 100)));
      crowd.simulation().run(stop_after(
          crowd.simulation(), is_stopped ? std::chrono::microseconds(random.below(20'000)) : 60s));
      served += crowd.served();
      full += crowd.full();
      backed_off += crowd.listener().backed_off().value();
      crowd.expect_nothing_left();
    }
    EXPECT_EQ(open_descriptors(), before);
  }
  // The seeds reach what they are for.
  EXPECT_GT(served, 5'000U);
  EXPECT_GT(full, 100U);
  EXPECT_GT(backed_off, 100U);
}

}  // namespace
}  // namespace sluice::testing
