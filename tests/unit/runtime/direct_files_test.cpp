#include <sluice/direct_files.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>
#include <sluice/combinators.hpp>
#include <sluice/splice.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

class DirectFilesTest : public FileFixture {
 protected:
  File open_direct(const std::string& path, int flags, unsigned mode = 0600) {
    return File(await(File::open_direct(*table_, path.c_str(), flags, mode)).value());
  }

  std::string path_ = folder_.file("file", "0123456789");
  std::unique_ptr<DirectFiles> table_ = DirectFiles::create(loop_.reactor().ring(), 4).value();
};

TEST_F(DirectFilesTest, FilesAreReadAndWrittenWithoutADescriptorOfTheProcess) {
  const auto before = open_descriptors();
  const File file = open_direct(path_, O_RDWR);
  EXPECT_TRUE(file.is_open());
  EXPECT_TRUE(file.descriptor().is_direct());
  EXPECT_EQ(file.fd(), -1);
  EXPECT_EQ(open_descriptors(), before);
  std::array<std::byte, 6> buffer;
  EXPECT_EQ(await(file.read_at(buffer, 7)), 3U);
  EXPECT_EQ(text_of(std::span(buffer).first(3)), "789");
  EXPECT_EQ(await(file.read_exact_at(buffer, 0)), 6U);
  EXPECT_EQ(error_of(file.write_all_at(bytes_of("ab"), 2)), 0);
  std::array<iovec, 2> pieces = {piece_of(bytes_of("x")), piece_of(bytes_of("yz"))};
  EXPECT_EQ(error_of(file.write_all_vector_at(pieces, 7)), 0);
  EXPECT_EQ(error_of(file.sync()), 0);
  EXPECT_EQ(error_of(file.allocate(0, 0, 12)), 0);
  EXPECT_EQ(error_of(file.advise(0, 0, POSIX_FADV_RANDOM)), 0);
  EXPECT_EQ(content_of(path_), std::string("01ab456xyz\0\0", 12));
  if (loop_.reactor().ring().supports(Opcode::ftruncate)) {
    EXPECT_EQ(error_of(file.truncate(3)), 0);
    EXPECT_EQ(content_of(path_), "01a");
  }
}

TEST_F(DirectFilesTest, CreatesAndOpensBeneathADirectory) {
  const Directory root = Directory::open(folder_.path().c_str()).value();
  const File made(await(root.open_direct(*table_, "file", O_RDONLY)).value());
  std::array<std::byte, 10> buffer;
  EXPECT_EQ(await(made.read_at(buffer, 0)), 10U);
  EXPECT_EQ(error_of(root.open_direct(*table_, "../file", O_RDONLY)), EXDEV);
  EXPECT_EQ(error_of(root.open_direct(*table_, "missing", O_RDONLY)), ENOENT);
  const File created = open_direct(folder_.path("new"), O_WRONLY | O_CREAT);
  EXPECT_EQ(error_of(created.write_all_at(bytes_of("new"), 0)), 0);
  EXPECT_EQ(content_of(folder_.path("new")), "new");
}

TEST_F(DirectFilesTest, WorksWithRegisteredBuffers) {
  const auto set = RegisteredBuffers::create(loop_.reactor().ring(), 4096, 1).value();
  const auto lease = set->take().value();
  const File file = open_direct(path_, O_RDONLY);
  EXPECT_EQ(await(file.read_at(lease, 2)), 8U);
  EXPECT_EQ(text_of(lease.bytes().first(8)), "23456789");
}

TEST_F(DirectFilesTest, IsSplicedFromAndTo) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const File from = open_direct(path_, O_RDONLY);
  const File to = open_direct(folder_.path("copy"), O_RDWR | O_CREAT);
  EXPECT_EQ(await(splice({from.descriptor(), 1}, {in.get()}, 4)), 4U);
  EXPECT_EQ(await(splice({out.get()}, {to.descriptor(), 0}, 4)), 4U);
  EXPECT_EQ(content_of(folder_.path("copy")), "1234");
}

TEST_F(DirectFilesTest, WhatNeedsADescriptorOfTheProcessIsRefused) {
  File file = open_direct(path_, O_RDWR);
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(errno_of(file.status()), EOPNOTSUPP);
  EXPECT_EQ(errno_of(file.try_read_at(loop_.reactor(), buffer, 0)), EAGAIN);
  const Directory root = Directory::open(folder_.path().c_str()).value();
  EXPECT_EQ(error_of(root.link_file(file, "name")), EOPNOTSUPP);
  const Pair pair = socket_pair();
  EXPECT_EQ(errno_of(pair.near.try_send_file(loop_.reactor(), file, 0, 4)), EOPNOTSUPP);
  file.read_ahead(0, 4);
  EXPECT_FALSE(file.release());
  EXPECT_TRUE(file.is_open());
}

TEST_F(DirectFilesTest, AFullTableAnswersAndAClosedPlaceIsUsedAgain) {
  std::vector<File> files;
  for (int count = 0; count < 4; ++count) {
    files.push_back(open_direct(path_, O_RDONLY));
  }
  EXPECT_EQ(table_->in_use().value(), 4);
  EXPECT_EQ(error_of(File::open_direct(*table_, path_.c_str(), O_RDONLY)), ENFILE);
  files.pop_back();  // by the destructor
  files.push_back(open_direct(path_, O_RDONLY));
  EXPECT_EQ(error_of(files.front().close()), 0);  // through the ring
  EXPECT_FALSE(files.front().is_open());
  files.front() = open_direct(path_, O_RDONLY);
  std::array<std::byte, 10> buffer;
  for (const File& file : files) {
    EXPECT_EQ(await(file.read_at(buffer, 0)), 10U);
  }
  files.clear();
  EXPECT_EQ(table_->in_use().value(), 0);
}

// What holds the file open is seen by a pipe: its reader meets the end when the last writer closes.
TEST_F(DirectFilesTest, ClosingLetsGoOfTheFile) {
  const std::string fifo = folder_.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  for (const bool through_ring : {true, false}) {
    File writer = open_direct(fifo, O_WRONLY);
    char byte = 0;
    EXPECT_EQ(::read(reader.get(), &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    if (through_ring) {
      EXPECT_EQ(error_of(writer.close()), 0);
    }
    writer = File();
    // The kernel lets go in work of its own; the next turns of the ring run it.
    for (int turn = 0; turn < 1000 && ::read(reader.get(), &byte, 1) != 0; ++turn) {
      EXPECT_TRUE(await(Operation(NopRequest())));
    }
    EXPECT_EQ(::read(reader.get(), &byte, 1), 0) << through_ring;
  }
}

TEST_F(DirectFilesTest, OnAnotherRingItIsABadDescriptorThoughItsNumberNamesAFile) {
  Loop other;
  const auto others = DirectFiles::create(other.reactor().ring(), 4).value();
  const std::string secret = folder_.file("secret", "secret");
  const auto opening = [&]() -> Task<Result<DirectDescriptor>> {
    co_return co_await File::open_direct(*others, secret.c_str(), O_RDWR);
  };
  const File theirs(other.run(opening()).value());
  const File ours = open_direct(path_, O_RDWR);
  ASSERT_EQ(theirs.descriptor().number(), ours.descriptor().number());
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(error_of(theirs.read_at(buffer, 0)), EBADF);
  EXPECT_EQ(error_of(theirs.write_all_at(buffer, 0)), EBADF);
  EXPECT_EQ(error_of(theirs.sync()), EBADF);
  EXPECT_EQ(error_of(theirs.truncate(0)), EBADF);
  EXPECT_EQ(error_of(splice({theirs.descriptor(), 0}, {ours.descriptor(), 0}, 1)), EBADF);
  EXPECT_EQ(error_of(File::open_direct(*others, path_.c_str(), O_RDONLY)), EBADF);
  EXPECT_EQ(content_of(path_), "0123456789");
}

TEST_F(DirectFilesTest, ATableThatCannotBeMadeSaysWhy) {
  Loop other;
  Ring& ring = other.reactor().ring();
  EXPECT_EQ(errno_of(DirectFiles::create(ring, 0)), EINVAL);
  EXPECT_EQ(errno_of(DirectFiles::create(ring, 32769)), EINVAL);
  EXPECT_EQ(errno_of(DirectFiles::create(loop_.reactor().ring(), 4)), EBUSY);
}

TEST_F(DirectFilesTest, OpenedInAScopeThatIsCancelledNothingIsLeftOpen) {
  CancelScope scope;
  scope.cancel();
  EXPECT_EQ(error_of(File::open_direct(*table_, path_.c_str(), O_RDONLY).within(scope)), ECANCELED);
  EXPECT_EQ(table_->in_use().value(), 0);
}

TEST(DirectFilesRules, ATableOutlivesWhatIsInIt) {
  EXPECT_DEATH(
      {
        const auto ring = make_ring();
        auto table = DirectFiles::create(*ring, 1).value();
        const DirectDescriptor open = table->adopt(0);
        table.reset();
      },
      "broken rule: a DirectFiles outlives the descriptors in it");
}

}  // namespace
}  // namespace sluice::runtime_test
