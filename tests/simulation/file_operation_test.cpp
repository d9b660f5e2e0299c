// Operations on files and names under a kernel that shortens, reorders and fails them, and what the
// library refuses before the kernel sees it.
#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/directory.hpp>
#include <sluice/file.hpp>

#include "simulation.hpp"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

template <class T>
[[nodiscard]] int errno_of(const Result<T>& result) {
  return result.has_value() ? 0 : result.error().value();
}

[[nodiscard]] File open_file(Simulation& simulation, const ObjectPointer& object) {
  return File(simulation.store().open(object));
}

// Runs one task or operation to its end and gives its result.
template <class Awaitable>
auto await(Simulation& simulation, Awaitable awaitable) {
  using Value = decltype([](Awaitable& awaited) -> decltype(auto) {
    if constexpr (requires { awaited.await_resume(); }) {
      return awaited.await_resume();
    } else {
      return std::move(awaited).operator co_await().await_resume();
    }
  }(awaitable));
  std::optional<Value> value;
  const auto awaiting = [](Awaitable awaited, std::optional<Value>& result) -> Task<void> {
    result.emplace(co_await std::move(awaited));
  };
  simulation.run(awaiting(std::move(awaitable), value));
  return std::move(*value);
}

[[nodiscard]] std::vector<iovec> pieces_of(Bytes& bytes, std::initializer_list<std::size_t> sizes) {
  std::vector<iovec> pieces;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    pieces.push_back(piece_of(std::span(bytes).subspan(at, size)));
    at += size;
  }
  return pieces;
}

TEST(VectoredTransfer, ShortReadsGoOnInTheMiddleOfAPiece) {
  Simulation simulation;
  const File file = open_file(simulation, SimulatedStore::make_file(pattern(200)));
  simulation.ring().plan(Opcode::readv, {1, 9, 10, 3, 25});
  Bytes buffer(90);
  std::vector<iovec> pieces = pieces_of(buffer, {10, 0, 10, 0, 0, 60, 10});
  EXPECT_EQ(await(simulation, file.read_exact_vector_at(pieces, 7)), 90U);
  EXPECT_EQ(buffer, pattern(90, 7));
  for (const iovec& piece : pieces) {
    EXPECT_EQ(piece.iov_len, 0U);
  }
  EXPECT_EQ(simulation.metrics().completed.value(), 6U);
}

TEST(VectoredTransfer, AReadThatMeetsTheEndLeavesThePiecesItDidNotFill) {
  Simulation simulation;
  const File file = open_file(simulation, SimulatedStore::make_file(pattern(30)));
  Bytes buffer(50);
  std::vector<iovec> pieces = pieces_of(buffer, {20, 20, 10});
  EXPECT_EQ(await(simulation, file.read_exact_vector_at(pieces, 0)), 30U);
  EXPECT_EQ(pieces[0].iov_len, 0U);
  EXPECT_EQ(pieces[1].iov_len, 10U);
  EXPECT_EQ(pieces[1].iov_base, &buffer[30]);
  EXPECT_EQ(pieces[2].iov_len, 10U);
}

TEST(VectoredTransfer, ShortWritesAreContinued) {
  Simulation simulation({.seed = 5, .short_transfer = 0.8});
  const auto object = SimulatedStore::make_file({});
  const File file = open_file(simulation, object);
  Bytes bytes = pattern(1000);
  std::vector<iovec> pieces = pieces_of(bytes, {1, 99, 400, 0, 500});
  EXPECT_EQ(errno_of(await(simulation, file.write_all_vector_at(pieces, 0))), 0);
  EXPECT_EQ(object->content, pattern(1000));
  EXPECT_GT(simulation.metrics().completed.value(), 3U);
}

TEST(VectoredTransfer, AnErrorOrNoProgressEndsIt) {
  Simulation simulation;
  const File file = open_file(simulation, SimulatedStore::make_file(pattern(100)));
  Bytes bytes(50);
  std::vector<iovec> pieces = pieces_of(bytes, {25, 25});
  simulation.ring().plan(Opcode::readv, {10, -EIO});
  EXPECT_EQ(errno_of(await(simulation, file.read_exact_vector_at(pieces, 0))), EIO);
  simulation.ring().plan(Opcode::writev, {10, 0});
  pieces = pieces_of(bytes, {25, 25});
  EXPECT_EQ(errno_of(await(simulation, file.write_all_vector_at(pieces, 0))), EIO);
}

TEST(RegisteredTransfer, ShortReadsAndWritesAreContinued) {
  Simulation simulation({.seed = 9, .short_transfer = 0.8});
  const auto set = RegisteredBuffers::create(simulation.ring(), 4096, 2).value();
  const auto object = SimulatedStore::make_file(pattern(3000));
  const File file = open_file(simulation, object);
  const auto lease = set->take().value();
  EXPECT_EQ(await(simulation, file.read_exact_at(lease.span().first(2000), 500)), 2000U);
  EXPECT_TRUE(std::ranges::equal(lease.bytes().first(2000), pattern(2000, 500)));
  EXPECT_EQ(errno_of(await(simulation, file.write_all_at(lease.span().subspan(500).first(500), 0))),
            0);
  object->content.resize(500);
  EXPECT_EQ(object->content, pattern(500, 1000));
}

TEST(RegisteredTransfer, ABufferOfAnotherShardIsRefusedBeforeTheKernelSeesIt) {
  Simulation here;
  Simulation there;
  const auto set = RegisteredBuffers::create(there.ring(), 4096, 1).value();
  const auto lease = set->take().value();
  const File file = open_file(here, SimulatedStore::make_file(pattern(100)));
  EXPECT_EQ(errno_of(await(here, file.read_at(lease, 0))), EFAULT);
  EXPECT_EQ(errno_of(await(here, file.write_at(lease, 0))), EFAULT);
  EXPECT_EQ(errno_of(await(here, file.read_at(RegisteredLease(), 0))), EFAULT);
  EXPECT_EQ(here.ring().operations_taken(), 0U);
}

TEST(DirectDescriptors, WorkLikeOthersAndLeaveNothingOpen) {
  Simulation simulation({.seed = 2, .short_transfer = 0.5});
  simulation.store().name("there", SimulatedStore::make_file(pattern(300)));
  const Directory root(simulation.store().open(SimulatedStore::make_file({})));
  const std::size_t before = open_descriptors();
  const auto table = DirectFiles::create(simulation.ring(), 2).value();
  {
    File one(await(simulation, root.open_direct(*table, "there", O_RDWR)).value());
    const File two(await(simulation, File::open_direct(*table, "there", O_RDWR)).value());
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(table->in_use().value(), 2);
    Bytes buffer(300);
    EXPECT_EQ(await(simulation, one.read_exact_at(buffer, 0)), 300U);
    EXPECT_EQ(buffer, pattern(300));
    EXPECT_EQ(errno_of(await(simulation, root.open_direct(*table, "there", O_RDWR))), ENFILE);
    EXPECT_EQ(errno_of(await(simulation, one.close())), 0);
    EXPECT_FALSE(one.is_open());
    EXPECT_EQ(table->in_use().value(), 1);
    EXPECT_EQ(errno_of(await(simulation, root.open_direct(*table, "missing", O_RDWR))), ENOENT);
  }
  EXPECT_EQ(table->in_use().value(), 0);
  EXPECT_EQ(simulation.ring().direct_descriptors_open(), 0U);
}

TEST(DirectDescriptors, AreNothingToAnotherRing) {
  Simulation here;
  Simulation there;
  there.store().name("there", SimulatedStore::make_file(pattern(300)));
  const auto table = DirectFiles::create(there.ring(), 2).value();
  File file(await(there, File::open_direct(*table, "there", O_RDWR)).value());
  Bytes buffer(10);
  EXPECT_EQ(errno_of(await(here, file.read_at(buffer, 0))), EBADF);
  EXPECT_EQ(errno_of(await(here, file.sync())), EBADF);
  EXPECT_EQ(errno_of(await(here, File::open_direct(*table, "there", O_RDWR))), EBADF);
  EXPECT_EQ(here.ring().operations_taken(), 0U);
}

Task<void> open_direct_and_drop(DirectFiles& table, int& error) {
  const auto opened = co_await File::open_direct(table, "there", O_RDONLY);
  error = errno_of(opened);
}

TEST(DirectDescriptors, OneThatArrivesInSpiteOfACancelIsDelivered) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation simulation({.seed = seed, .longest_latency = 10ms});
    simulation.ring().answer_cancels(CancelAnswer::not_found);
    simulation.store().name("there", SimulatedStore::make_file(pattern(300)));
    const auto table = DirectFiles::create(simulation.ring(), 2).value();
    int error = -1;
    simulation.spawn(open_direct_and_drop(*table, error));
    simulation.run(stop_after(simulation, 1us));
    EXPECT_EQ(error, 0);
    EXPECT_EQ(simulation.ring().cancels_taken(), 1U) << seed;
    EXPECT_EQ(table->in_use().value(), 0);  // nobody took it
    EXPECT_EQ(simulation.ring().direct_descriptors_open(), 0U);
  }
}

Task<void> close_in(CancelScope& scope, File& file, int& error) {
  error = errno_of(co_await file.close().within(scope));
}

TEST(Close, ClosesInAScopeThatIsCancelled) {
  Simulation simulation;
  const std::size_t before = open_descriptors();
  File file = open_file(simulation, SimulatedStore::make_file({}));
  CancelScope scope;
  scope.cancel();
  int error = -1;
  simulation.run(close_in(scope, file, error));
  EXPECT_EQ(error, 0);
  EXPECT_EQ(simulation.ring().operations_taken(), 1U);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Close, ClosesEvenWhenItCannotBeRegisteredOrIsNeverAwaited) {
  Simulation simulation({.is_scripted = true}, {.max_operations = 1});
  const std::size_t before = open_descriptors();
  File one = open_file(simulation, SimulatedStore::make_file({}));
  File two = open_file(simulation, SimulatedStore::make_file({}));
  RecordingWaker blocker;
  ASSERT_TRUE(simulation.reactor().register_operation(blocker, nop()));
  simulation.ring().on_enter([&simulation] {
    for (const auto& operation : simulation.ring().pending()) {
      simulation.ring().complete(operation.user_data, 0);
    }
  });
  CancelScope scope;
  int error = -1;
  simulation.run(close_in(scope, one, error));
  EXPECT_EQ(error, ENOBUFS);
  {
    const auto never_awaited = two.close();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Truncate, IsRefusedWhereTheKernelIsTooOldAndWhereNoFileIsThatLarge) {
  Simulation old({.missing = {Opcode::ftruncate}});
  const auto object = SimulatedStore::make_file(pattern(50));
  EXPECT_EQ(errno_of(await(old, open_file(old, object).truncate(10))), EOPNOTSUPP);
  EXPECT_EQ(old.ring().operations_taken(), 0U);
  Simulation simulation;
  const File file = open_file(simulation, object);
  EXPECT_EQ(errno_of(await(simulation, file.truncate(std::uint64_t{1} << 63))), EFBIG);
  EXPECT_EQ(simulation.ring().operations_taken(), 0U);
  EXPECT_EQ(errno_of(await(simulation, file.truncate(10))), 0);
  EXPECT_EQ(object->content, pattern(10));
  simulation.ring().plan(Opcode::ftruncate, {-EIO});
  EXPECT_EQ(errno_of(await(simulation, file.truncate(5))), EIO);
  EXPECT_EQ(object->content, pattern(10));
}

TEST(Allocate, ExtendsPunchesAndReportsItsErrors) {
  Simulation simulation;
  const auto object = SimulatedStore::make_file(pattern(50));
  const File file = open_file(simulation, object);
  EXPECT_EQ(errno_of(await(simulation, file.allocate(0, 40, 60))), 0);
  EXPECT_EQ(object->content.size(), 100U);
  EXPECT_EQ(errno_of(await(simulation,
                           file.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 500))),
            0);
  object->content.resize(20);
  Bytes expected = pattern(10);
  expected.resize(20);
  EXPECT_EQ(object->content, expected);
  simulation.ring().plan(Opcode::fallocate, {-ENOSPC});
  EXPECT_EQ(errno_of(await(simulation, file.allocate(0, 0, 1000))), ENOSPC);
  EXPECT_EQ(object->content.size(), 20U);
}

class Names : public ::testing::Test {
 protected:
  Names() { simulation_.store().name("a", object_); }
  [[nodiscard]] bool has(const char* name) {
    return simulation_.store().find_name(name) != nullptr;
  }
  template <class Operation>
  int change(Operation operation) {
    return errno_of(await(simulation_, std::move(operation)));
  }

  Simulation simulation_;
  ObjectPointer object_ = SimulatedStore::make_file(pattern(50));
  Directory root_{simulation_.store().open(SimulatedStore::make_file({}))};
};

TEST_F(Names, AreChanged) {
  EXPECT_EQ(change(root_.link("a", root_, "b")), 0);
  EXPECT_EQ(change(root_.link("a", root_, "b")), EEXIST);
  EXPECT_EQ(change(root_.rename("b", root_, "c")), 0);
  EXPECT_FALSE(has("b"));
  EXPECT_EQ(simulation_.store().find_name("c"), object_);
  EXPECT_EQ(change(root_.rename("c", root_, "a", RENAME_NOREPLACE)), EEXIST);
  EXPECT_EQ(change(root_.make_directory("d")), 0);
  EXPECT_EQ(change(root_.remove("d")), EISDIR);
  EXPECT_EQ(change(root_.remove_directory("a")), ENOTDIR);
  EXPECT_EQ(change(root_.remove_directory("d")), 0);
  EXPECT_EQ(change(root_.remove("a")), 0);
  EXPECT_EQ(change(root_.remove("a")), ENOENT);
  EXPECT_EQ(await(simulation_, root_.status("c"))->size_bytes, 50U);
}

TEST_F(Names, AFileWithoutANameGetsOneWhole) {
  File file(await(simulation_, root_.open_beneath(".", O_TMPFILE | O_RDWR)).value());
  const Bytes content = pattern(70);
  EXPECT_EQ(errno_of(await(simulation_, file.write_all_at(content, 0))), 0);
  EXPECT_EQ(change(root_.link_file(file, "new")), 0);
  EXPECT_EQ(simulation_.store().find_name("new")->content, content);
}

TEST_F(Names, AFailureChangesNothing) {
  simulation_.ring().plan(Opcode::renameat, {-EIO});
  simulation_.ring().plan(Opcode::unlinkat, {-EROFS});
  simulation_.ring().plan(Opcode::linkat, {-EMLINK});
  simulation_.ring().plan(Opcode::mkdirat, {-ENOSPC});
  EXPECT_EQ(change(root_.rename("a", root_, "b")), EIO);
  EXPECT_EQ(change(root_.remove("a")), EROFS);
  EXPECT_EQ(change(root_.link("a", root_, "b")), EMLINK);
  EXPECT_EQ(change(root_.make_directory("b")), ENOSPC);
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_F(Names, ThatMayLeadElsewhereAreRefusedBeforeTheKernelSeesThem) {
  const File file(await(simulation_, root_.open_beneath("a", O_RDONLY)).value());
  const std::uint64_t before = simulation_.ring().operations_taken();
  for (const char* name : {"", ".", "..", "/", "/a", "a/", "../a", "b/a", "a/..", "//"}) {
    EXPECT_EQ(change(root_.rename(name, root_, "b")), EINVAL) << name;
    EXPECT_EQ(change(root_.rename("a", root_, name)), EINVAL) << name;
    EXPECT_EQ(change(root_.remove(name)), EINVAL) << name;
    EXPECT_EQ(change(root_.remove_directory(name)), EINVAL) << name;
    EXPECT_EQ(change(root_.link(name, root_, "b")), EINVAL) << name;
    EXPECT_EQ(change(root_.link("a", root_, name)), EINVAL) << name;
    EXPECT_EQ(change(root_.link_file(file, name)), EINVAL) << name;
    EXPECT_EQ(change(root_.make_directory(name)), EINVAL) << name;
    EXPECT_EQ(change(root_.status(name)), EINVAL) << name;
  }
  EXPECT_EQ(simulation_.ring().operations_taken(), before);
}

}  // namespace
}  // namespace sluice::testing
