#include <sluice/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/combinators.hpp>
#include <sluice/directory.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

class FileTest : public ::testing::Test {
 protected:
  Result<File> open(const std::string& path, int flags, unsigned mode = 0) {
    const auto opening = [&]() -> Task<Result<File>> {
      auto fd = co_await File::open(path.c_str(), flags, mode);
      if (!fd) {
        co_return std::unexpected(fd.error());
      }
      co_return File(std::move(*fd));
    };
    return loop_.run(opening());
  }
  template <class Operation>
  auto await(Operation operation) {
    using Outcome = typename Operation::Outcome;
    const auto awaiting = [](Operation awaited) -> Task<Outcome> {
      co_return co_await std::move(awaited);
    };
    return loop_.run(awaiting(std::move(operation)));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("file", "0123456789");
  Loop loop_;
};

TEST_F(FileTest, OpensWithoutLettingChildrenInheritIt) {
  const File file = open(path_, O_RDONLY).value();
  EXPECT_TRUE(file.is_open());
  EXPECT_EQ(::fcntl(file.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(FileTest, SaysWhyItCannotOpen) {
  EXPECT_EQ(open(folder_.path("missing"), O_RDONLY).error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(open(folder_.path(), O_WRONLY).error(), std::errc::is_a_directory);
  EXPECT_EQ(open(path_ + "/below", O_RDONLY).error(), std::errc::not_a_directory);
  EXPECT_EQ(open(path_, O_WRONLY | O_CREAT | O_EXCL, 0600).error(), std::errc::file_exists);
  EXPECT_EQ(open("", O_RDONLY).error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(open(std::string(300, 'x'), O_RDONLY).error(), std::errc::filename_too_long);
}

TEST_F(FileTest, CreatesWithTheModeItIsGiven) {
  const mode_t mask = ::umask(0);
  const File file = open(folder_.path("new"), O_WRONLY | O_CREAT, 0640).value();
  ::umask(mask);
  struct stat found{};
  ASSERT_EQ(::fstat(file.fd(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0640U);
}

// As with open(2): only openat2(2) refuses a mode that it has no use for.
TEST_F(FileTest, TheModeCountsOnlyWhenAFileIsCreated) {
  EXPECT_TRUE(open(path_, O_RDONLY, 0644));
  EXPECT_TRUE(open(folder_.path(), O_RDONLY | O_DIRECTORY, 0755));
  const auto unnamed = open(folder_.path(), O_RDWR | O_TMPFILE, 0600);
  ASSERT_TRUE(unnamed);
  struct stat found{};
  ASSERT_EQ(::fstat(unnamed->fd(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600U);
}

TEST_F(FileTest, ReadsAtOffsetsAndShortAtTheEnd) {
  const File file = open(path_, O_RDONLY).value();
  std::array<std::byte, 6> buffer;
  EXPECT_EQ(await(file.read_at(buffer, 0)), 6U);
  EXPECT_EQ(text_of(buffer), "012345");
  EXPECT_EQ(await(file.read_at(buffer, 7)), 3U);
  EXPECT_EQ(text_of(std::span(buffer).first(3)), "789");
  EXPECT_EQ(await(file.read_at(buffer, 10)), 0U);
  EXPECT_EQ(await(file.read_at(buffer, 1'000'000)), 0U);
  EXPECT_EQ(await(file.read_at({}, 0)), 0U);
}

// The kernel takes the offset -1 to mean the file's own position.
TEST_F(FileTest, AnOffsetThatNoFileHasIsAnErrorAndNotTheFilesOwnPosition) {
  const File file = open(path_, O_RDWR).value();
  std::array<std::byte, 6> buffer;
  for (const std::uint64_t offset :
       {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63}) {
    EXPECT_FALSE(await(file.read_at(buffer, offset))) << offset;
    EXPECT_FALSE(file.try_read_at(loop_.reactor(), buffer, offset)) << offset;
    EXPECT_FALSE(await(file.write_at(bytes_of("xx"), offset))) << offset;
  }
  EXPECT_EQ(content_of(path_), "0123456789");
}

TEST_F(FileTest, WritesAtOffsets) {
  const File file = open(path_, O_WRONLY).value();
  EXPECT_EQ(await(file.write_at(bytes_of("ab"), 2)), 2U);
  EXPECT_EQ(await(file.write_at(bytes_of("end"), 12)), 3U);
  EXPECT_EQ(await(file.write_at({}, 0)), 0U);
  EXPECT_EQ(content_of(path_), std::string("01ab456789\0\0end", 15));
}

TEST_F(FileTest, ReadsExactlyUntilTheBufferIsFullOrTheFileEnds) {
  const File file = open(path_, O_RDONLY).value();
  std::vector<std::byte> buffer(100);
  EXPECT_EQ(loop_.run(file.read_exact_at(buffer, 0)), 10U);
  EXPECT_EQ(loop_.run(file.read_exact_at(std::span(buffer).first(4), 3)), 4U);
  EXPECT_EQ(text_of(std::span(buffer).first(4)), "3456");
  EXPECT_EQ(loop_.run(file.read_exact_at(buffer, 10)), 0U);
  EXPECT_EQ(loop_.run(file.read_exact_at({}, 0)), 0U);
}

TEST_F(FileTest, ReadingExactlyGoesOnAfterShortReads) {
  // A pipe gives what is in it: each read is short.
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const File reader((UniqueFd(fds[0])));
  UniqueFd writer(fds[1]);
  std::vector<std::byte> buffer(100);
  const auto read = [&]() -> Task<Result<std::size_t>> {
    co_return co_await reader.read_exact_at(buffer, 0);
  };
  const auto write = [&]() -> Task<int> {
    for (int count = 0; count < 5; ++count) {
      put(writer.get(), "abc");
      for (int turn = 0; turn < 3; ++turn) {
        co_await Operation(NopRequest{});
      }
    }
    writer.reset();
    co_return 0;
  };
  loop_.run([&]() -> Task<void> {
    const auto [got, nothing] = co_await when_all(read(), write());
    EXPECT_EQ(got, 15U);
  }());
  EXPECT_EQ(text_of(std::span(buffer).first(15)), "abcabcabcabcabc");
}

TEST_F(FileTest, WritesAllOfALargeBufferAndReadsItBack) {
  const auto expected = pattern(5 << 20);
  const File file = open(folder_.path("large"), O_RDWR | O_CREAT, 0600).value();
  EXPECT_TRUE(loop_.run(file.write_all_at(expected, 3)));
  EXPECT_TRUE(loop_.run(file.write_all_at({}, 99)));
  EXPECT_TRUE(await(file.sync()));
  EXPECT_TRUE(await(file.sync_data()));
  std::vector<std::byte> got(expected.size());
  EXPECT_EQ(loop_.run(file.read_exact_at(got, 3)), expected.size());
  EXPECT_EQ(got, expected);
}

TEST_F(FileTest, ReadsAndWritesBeyondFourGibibytes) {
  const File file = open(folder_.path("sparse"), O_RDWR | O_CREAT, 0600).value();
  constexpr std::uint64_t kFar = (std::uint64_t{5} << 30) + 7;
  EXPECT_TRUE(loop_.run(file.write_all_at(bytes_of("far"), kFar)));
  EXPECT_EQ(file.status()->size_bytes, kFar + 3);
  std::array<std::byte, 8> buffer;
  EXPECT_EQ(await(file.read_at(buffer, kFar)), 3U);
  EXPECT_EQ(text_of(std::span(buffer).first(3)), "far");
  EXPECT_EQ(file.try_read_at(loop_.reactor(), buffer, kFar), 3U);
}

TEST_F(FileTest, TellsWhatItIs) {
  const File file = open(path_, O_RDONLY).value();
  struct stat expected{};
  ASSERT_EQ(::stat(path_.c_str(), &expected), 0);
  const FileStatus status = file.status().value();
  EXPECT_EQ(status.type, FileStatus::Type::regular);
  EXPECT_EQ(status.size_bytes, 10U);
  EXPECT_EQ(status.inode, expected.st_ino);
  EXPECT_EQ(status.device, expected.st_dev);
  EXPECT_EQ(status.modified_s, expected.st_mtim.tv_sec);
  EXPECT_EQ(status.modified_ns, static_cast<std::uint32_t>(expected.st_mtim.tv_nsec));
  EXPECT_EQ(open(folder_.path(), O_RDONLY)->status()->type, FileStatus::Type::directory);
  EXPECT_EQ(open("/dev/null", O_RDONLY)->status()->type, FileStatus::Type::other);
}

TEST_F(FileTest, TellsATimeBefore1970) {
  const timespec times[2] = {{0, 0}, {-5, 250'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  const FileStatus status = open(path_, O_RDONLY)->status().value();
  EXPECT_EQ(status.modified_s, -5);
  EXPECT_EQ(status.modified_ns, 250'000'000U);
}

TEST_F(FileTest, OneThatIsNotOpenAnswersBadDescriptor) {
  const File closed;
  std::array<std::byte, 4> buffer{};
  EXPECT_FALSE(closed.is_open());
  EXPECT_EQ(await(closed.read_at(buffer, 0)).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(await(closed.write_at(buffer, 0)).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(await(closed.sync()).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(await(closed.sync_data()).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(closed.status().error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(closed.try_read_at(loop_.reactor(), buffer, 0).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(loop_.run(closed.read_exact_at(buffer, 0)).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(loop_.run(closed.write_all_at(buffer, 0)).error(), std::errc::bad_file_descriptor);
  closed.read_ahead(0, 100);
}

TEST_F(FileTest, GivesItsDescriptorAway) {
  File file = open(path_, O_RDONLY).value();
  const UniqueFd fd = file.release();
  EXPECT_TRUE(fd);
  EXPECT_FALSE(file.is_open());
}

TEST_F(FileTest, WritingToAFullDeviceIsAnErrorAndNoEndlessLoop) {
  const File full = open("/dev/full", O_WRONLY).value();
  EXPECT_EQ(loop_.run(full.write_all_at(bytes_of("x"), 0)).error(), std::errc::no_space_on_device);
}

TEST_F(FileTest, AReadAheadIsOnlyAHint) {
  const File file = open(path_, O_RDONLY).value();
  file.read_ahead(0, 10);
  file.read_ahead(1'000'000, std::numeric_limits<std::size_t>::max());
  std::array<std::byte, 10> buffer;
  EXPECT_EQ(file.try_read_at(loop_.reactor(), buffer, 0), 10U);
}

TEST_F(FileTest, ManyReadsAtOnceEachGetTheirOwnBytes) {
  const auto expected = pattern(1 << 20);
  const std::string path = folder_.file("large", text_of(expected));
  const File file = open(path, O_RDONLY).value();
  const auto check = [&](std::size_t offset) -> Task<bool> {
    std::vector<std::byte> buffer(1000);
    const auto got = co_await file.read_exact_at(buffer, offset);
    co_return got == 1000U && std::ranges::equal(buffer, std::span(expected).subspan(offset, 1000));
  };
  loop_.run([&]() -> Task<void> {
    std::vector<Task<bool>> tasks;
    for (std::size_t count = 0; count < 1000; ++count) {
      tasks.push_back(check((count * 7919) % (expected.size() - 1000)));
    }
    for (const bool right : co_await when_all(std::move(tasks))) {
      EXPECT_TRUE(right);
    }
  }());
}

}  // namespace
}  // namespace sluice::runtime_test
