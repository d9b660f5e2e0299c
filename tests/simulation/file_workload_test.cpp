// Files, names, registered buffers and direct descriptors in use by many tasks at once, over many
// seeds: whatever the kernel does and wherever the stop comes, the bytes are right, and every
// buffer, name and descriptor is accounted for.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/timer.hpp>

#include "simulation.hpp"
#include "workload.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFileBytes = 3000;
constexpr std::uint64_t kSeeds = 600;

class FileWorkload {
 public:
  FileWorkload(Simulation& simulation, std::uint64_t seed)
      : simulation_(simulation),
        random_(seed ^ 0xf11e5),
        file_(simulation.store().open(SimulatedStore::make_file(pattern(kFileBytes)))),
        root_(simulation.store().open(SimulatedStore::make_file({}))),
        buffers_(RegisteredBuffers::create(simulation.ring(), 4096, 3).value()),
        table_(DirectFiles::create(simulation.ring(), 3).value()) {
    simulation.store().name("there", SimulatedStore::make_file(pattern(kFileBytes)));
  }

  void start() {
    for (std::uint64_t task = random_.between(1, 10); task > 0; --task) {
      simulation_.spawn(run(static_cast<unsigned>(task)));
    }
    simulation_.spawn(stop_after(simulation_, std::chrono::microseconds(random_.below(40'000))));
  }

  std::string fault;
  std::uint64_t transfers = 0;
  std::uint64_t renames = 0;
  std::uint64_t opens = 0;
  [[nodiscard]] std::int64_t leases_out() const { return buffers_->in_use().value(); }
  [[nodiscard]] std::int64_t direct_open() const { return table_->in_use().value(); }

 private:
  void check(bool holds, const char* what) {
    if (!holds && fault.empty()) {
      fault = what;
    }
  }

  Task<void> run(unsigned task) {
    for (std::uint64_t left = random_.between(1, 10); left > 0; --left) {
      switch (random_.below(5)) {
        case 0:
          co_await read_pieces();
          break;
        case 1:
          co_await write_pieces();
          break;
        case 2:
          co_await use_registered();
          break;
        case 3:
          co_await use_direct();
          break;
        default:
          co_await change_names(std::to_string(task));
      }
    }
  }

  Task<void> read_pieces() {
    Bytes buffer(random_.between(1, 900));
    std::vector<iovec> pieces;
    for (std::size_t at = 0; at < buffer.size();) {
      const std::size_t size = std::min<std::size_t>(random_.below(300), buffer.size() - at);
      pieces.push_back(piece_of(std::span(buffer).subspan(at, size)));
      at += size;
    }
    const std::size_t offset = random_.below(kFileBytes + 50);
    const auto count = co_await file_.read_exact_vector_at(pieces, offset);
    if (count) {
      const std::size_t there = offset < kFileBytes ? kFileBytes - offset : 0;
      check(*count == std::min(there, buffer.size()), "a vectored read gave a wrong count");
      buffer.resize(*count);
      check(buffer == pattern(*count, offset), "a vectored read gave wrong bytes");
      ++transfers;
    }
  }

  Task<void> write_pieces() {
    const auto object = SimulatedStore::make_file({});
    File file(simulation_.store().open(object));
    Bytes bytes = pattern(random_.between(2, 900));
    const std::size_t half = bytes.size() / 2;
    std::vector<iovec> pieces = {piece_of(std::span(bytes).first(half)),
                                 piece_of(std::span(bytes).subspan(half))};
    const auto written = co_await file.write_all_vector_at(pieces, 0);
    check(object->content == pattern(object->content.size()), "wrong bytes were written");
    check(!written || object->content == bytes, "a write that succeeded is not whole");
    const std::uint64_t size = random_.below(1000);
    if (co_await file.truncate(size)) {
      check(object->content.size() == size, "a cut that succeeded has no effect");
    }
    static_cast<void>(co_await file.close());
    check(!file.is_open(), "a file is open after close()");
  }

  Task<void> use_registered() {
    const auto lease = buffers_->take();
    if (!lease) {
      co_return;
    }
    const RegisteredSpan part = lease->span().first(random_.between(1, 2000));
    const auto count = co_await file_.read_exact_at(part, 100);
    if (!count) {
      co_return;
    }
    check(std::ranges::equal(part.bytes(), pattern(part.size(), 100)), "a fixed read went wrong");
    const auto object = SimulatedStore::make_file({});
    const File file(simulation_.store().open(object));
    const auto written = co_await file.write_all_at(part, 0);
    check(!written || object->content == pattern(part.size(), 100), "a fixed write went wrong");
    ++transfers;
  }

  Task<void> use_direct() {
    auto opened = co_await root_.open_direct(*table_, "there", O_RDONLY);
    if (!opened) {
      co_return;
    }
    ++opens;
    File file(std::move(*opened));
    Bytes buffer(random_.between(1, 600));
    const auto count = co_await file.read_exact_at(buffer, 7);
    check(!count || buffer == pattern(*count, 7), "a read of a direct descriptor went wrong");
    if (random_.chance(0.5)) {
      static_cast<void>(co_await file.close());
    }
  }

  // Makes a file, gives it other names, and takes them away; each name is this task's own.
  Task<void> change_names(const std::string& task) {
    SimulatedStore& store = simulation_.store();
    const std::string first = "first" + task;
    const std::string second = "second" + task;
    const auto object = SimulatedStore::make_file({});
    store.name(first, object);
    const auto linked = co_await root_.link(first.c_str(), root_, second.c_str());
    check(linked.has_value() == (store.find_name(second) == object), "a link lies");
    const auto removed = co_await root_.remove(first.c_str());
    check(removed.has_value() == (store.find_name(first) == nullptr), "a removal lies");
    const auto renamed = co_await root_.rename(second.c_str(), root_, first.c_str());
    check(!renamed || (store.find_name(first) == object && !store.find_name(second)),
          "a rename lies");
    renames += renamed ? 1 : 0;
    const auto status = co_await root_.status(first.c_str());
    check(!status || status->type == FileStatus::Type::regular, "a status lies");
    static_cast<void>(store.remove(first, false));
    static_cast<void>(store.remove(second, false));
  }

  Simulation& simulation_;
  SeededRandom random_;
  File file_;
  Directory root_;
  std::unique_ptr<RegisteredBuffers> buffers_;
  std::unique_ptr<DirectFiles> table_;
};

struct Totals {
  std::uint64_t transfers = 0;
  std::uint64_t renames = 0;
  std::uint64_t opens = 0;
  std::uint64_t cancels = 0;
};

void run_and_check(std::uint64_t seed, Totals& totals) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::size_t before = open_descriptors();
  {
    SimulatedRingOptions kernel = unkind_kernel(seed);
    for (const Opcode opcode :
         {Opcode::readv, Opcode::writev, Opcode::read_fixed, Opcode::ftruncate, Opcode::renameat,
          Opcode::linkat, Opcode::statx, Opcode::unlinkat, Opcode::close}) {
      kernel.errors.push_back({opcode, EIO, 0.03});
    }
    Simulation simulation(kernel);
    FileWorkload workload(simulation, seed);
    workload.start();
    simulation.run();
    EXPECT_EQ(workload.fault, "");
    EXPECT_EQ(workload.leases_out(), 0);
    EXPECT_EQ(workload.direct_open(), 0);
    EXPECT_EQ(simulation.ring().direct_descriptors_open(), 0U);
    EXPECT_EQ(simulation.metrics().stale_completions.value(), 0U);
    totals.transfers += workload.transfers;
    totals.renames += workload.renames;
    totals.opens += workload.opens;
    totals.cancels += simulation.metrics().cancels_submitted.value();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(FileWorkload, KeepsItsAccountsWhateverTheKernelDoesAndWhereverTheStopComes) {
  Totals totals;
  for (std::uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    run_and_check(seed, totals);
  }
  // The seeds reach what they are for.
  EXPECT_GT(totals.transfers, kSeeds);
  EXPECT_GT(totals.renames, kSeeds / 4);
  EXPECT_GT(totals.opens, kSeeds / 4);
  EXPECT_GT(totals.cancels, kSeeds / 4);
}

}  // namespace
}  // namespace sluice::testing
