// Operations on files and names allocate nothing, once the pool of coroutine frames is warm.
#include <fcntl.h>

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>

#include "counting_allocator.hpp"
#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

class FileAllocations : public FileFixture {
 protected:
  // Runs `step` a few times to fill every pool, then again and again, and gives what it allocated.
  template <class Step>
  std::uint64_t allocated_by(Step step) {
    std::uint64_t counted = 0;
    const auto repeat = [&]() -> Task<void> {
      for (int count = 0; count < 20; ++count) {
        co_await step();
      }
      const std::uint64_t before = allocations_made();
      for (int count = 0; count < 200; ++count) {
        co_await step();
      }
      counted = allocations_made() - before;
    };
    loop_.run(repeat());
    return counted;
  }

  std::string path_ = folder_.file("file", std::string(10'000, 'x'));
};

TEST_F(FileAllocations, ReadsAndWritesOfEveryKindAllocateNothing) {
  const auto set = RegisteredBuffers::create(loop_.reactor().ring(), 4096, 1).value();
  const File file = open(path_, O_RDWR);
  std::array<std::byte, 4096> bytes{};
  EXPECT_EQ(allocated_by([&]() -> Task<void> {
              const auto lease = set->take();
              std::array<iovec, 2> pieces = {piece_of(std::span(bytes).first(100)),
                                             piece_of(std::span(bytes).subspan(100))};
              EXPECT_TRUE(co_await file.read_at(bytes, 0));
              EXPECT_TRUE(co_await file.read_at(*lease, 0));
              EXPECT_TRUE(co_await file.read_vector_at(pieces, 0));
              EXPECT_TRUE(co_await file.read_exact_at(*lease, 0));
              EXPECT_TRUE(co_await file.read_exact_vector_at(pieces, 0));
              EXPECT_TRUE(co_await file.write_at(bytes, 0));
              EXPECT_TRUE(co_await file.write_all_at(*lease, 0));
              EXPECT_TRUE(co_await file.allocate(0, 0, 100));
              EXPECT_TRUE(co_await file.advise(0, 0, POSIX_FADV_NORMAL));
            }),
            0U);
}

TEST_F(FileAllocations, OpeningClosingAndChangingNamesAllocateNothing) {
  const auto table = DirectFiles::create(loop_.reactor().ring(), 2).value();
  const Directory root = Directory::open(folder_.path().c_str()).value();
  EXPECT_EQ(allocated_by([&]() -> Task<void> {
              auto direct = co_await root.open_direct(*table, "file", O_RDONLY);
              File one(std::move(*direct));
              EXPECT_TRUE(co_await one.close());
              auto fd = co_await root.open_beneath("file", O_RDONLY);
              File two(std::move(*fd));
              EXPECT_TRUE(co_await two.close());
              EXPECT_TRUE(co_await root.status("file"));
              EXPECT_TRUE(co_await root.link("file", root, "second"));
              EXPECT_TRUE(co_await root.rename("second", root, "third"));
              EXPECT_TRUE(co_await root.remove("third"));
              EXPECT_TRUE(co_await root.make_directory("made"));
              EXPECT_TRUE(co_await root.remove_directory("made"));
            }),
            0U);
}

}  // namespace
}  // namespace sluice::runtime_test
