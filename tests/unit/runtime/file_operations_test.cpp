#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>
#include <sluice/combinators.hpp>
#include <sluice/file.hpp>
#include <sluice/splice.hpp>
#include <sluice/timer.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

using namespace std::chrono_literals;

class FileOperationsTest : public FileFixture {
 protected:
  std::string path_ = folder_.file("file", "0123456789");
};

TEST_F(FileOperationsTest, ReadsAndWritesManyPiecesInOrder) {
  const File file = open(path_, O_RDWR);
  std::array<std::byte, 3> first;
  std::array<std::byte, 5> second;
  const std::array<iovec, 3> pieces = {piece_of(std::span<std::byte>(first)), iovec{},
                                       piece_of(std::span<std::byte>(second))};
  EXPECT_EQ(await(file.read_vector_at(pieces, 1)), 8U);
  EXPECT_EQ(text_of(first), "123");
  EXPECT_EQ(text_of(second), "45678");
  EXPECT_EQ(await(file.read_vector_at(pieces, 6)), 4U);
  EXPECT_EQ(await(file.read_vector_at(pieces, 10)), 0U);
  EXPECT_EQ(await(file.read_vector_at({}, 0)), 0U);
  const std::array<iovec, 2> out = {piece_of(bytes_of("ab")), piece_of(bytes_of("cde"))};
  EXPECT_EQ(await(file.write_vector_at(out, 8)), 5U);
  EXPECT_EQ(content_of(path_), "01234567abcde");
}

TEST_F(FileOperationsTest, MorePiecesThanTheKernelTakesAreServedInPartAndAllByTheExactOnes) {
  constexpr std::size_t kPieces = 2 * kMostPieces + 100;
  const auto expected = pattern(3 * kPieces);
  const auto pieces_over = [](std::vector<std::byte>& bytes) {
    std::vector<iovec> pieces;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
      pieces.push_back(piece_of(std::span(bytes).subspan(at, 3)));
    }
    return pieces;
  };
  const File file = open(folder_.path("many"), O_RDWR | O_CREAT);
  auto written = expected;
  auto out = pieces_over(written);
  EXPECT_EQ(await(file.write_vector_at(out, 0)), 3 * kMostPieces);
  EXPECT_EQ(error_of(file.write_all_vector_at(out, 0)), 0);
  std::vector<std::byte> got(expected.size());
  auto in = pieces_over(got);
  EXPECT_EQ(await(file.read_vector_at(in, 0)), 3 * kMostPieces);
  EXPECT_EQ(await(file.read_exact_vector_at(in, 0)), expected.size());
  EXPECT_EQ(got, expected);
  EXPECT_EQ(in.front().iov_len, 0U);
  EXPECT_EQ(in.back().iov_len, 0U);
}

TEST_F(FileOperationsTest, ExactVectorsGoOnAfterShortReadsAndStopAtTheEnd) {
  const File file = open(path_, O_RDONLY);
  std::vector<std::byte> bytes(14);
  std::array<iovec, 2> pieces = {piece_of(std::span(bytes).first(7)),
                                 piece_of(std::span(bytes).subspan(7))};
  EXPECT_EQ(await(file.read_exact_vector_at(pieces, 0)), 10U);
  EXPECT_EQ(text_of(std::span(bytes).first(10)), "0123456789");
  EXPECT_EQ(pieces[1].iov_len, 4U);
  EXPECT_EQ(await(file.read_exact_vector_at({}, 0)), 0U);
}

// Memory that may not even be read: /dev/null takes the length and looks at nothing.
TEST_F(FileOperationsTest, ASpanLongerThanTheKernelTakesIsCut) {
  constexpr std::size_t kLength = std::size_t{5} << 30;
  void* memory =
      ::mmap(nullptr, kLength, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::span bytes(static_cast<const std::byte*>(memory), kLength);
  const File sink = open("/dev/null", O_WRONLY);
  EXPECT_EQ(await(sink.write_at(bytes, 0)), kMaxTransferBytes);
  const std::array<iovec, 2> pieces = {piece_of(bytes), piece_of(bytes)};
  EXPECT_EQ(await(sink.write_vector_at(pieces, 0)), kMaxTransferBytes);
  EXPECT_EQ(error_of(sink.write_all_at(bytes, 0)), 0);
  ::munmap(memory, kLength);
}

TEST_F(FileOperationsTest, OffsetsThatNoFileHasAreErrors) {
  const File file = open(path_, O_RDWR);
  std::array<std::byte, 4> buffer{};
  const std::array<iovec, 1> pieces = {piece_of(std::span<std::byte>(buffer))};
  for (const std::uint64_t offset :
       {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63}) {
    EXPECT_NE(error_of(file.read_vector_at(pieces, offset)), 0);
    EXPECT_NE(error_of(file.write_vector_at(pieces, offset)), 0);
    EXPECT_NE(error_of(file.allocate(0, offset, 1)), 0);
    EXPECT_NE(error_of(file.allocate(0, 0, offset)), 0);
    EXPECT_EQ(error_of(file.truncate(offset)), EFBIG);
  }
  EXPECT_EQ(content_of(path_), "0123456789");
}

TEST_F(FileOperationsTest, AllocatesExtendsAndPunches) {
  const File file = open(path_, O_RDWR);
  ASSERT_EQ(error_of(file.allocate(0, 0, 8192)), 0);
  EXPECT_EQ(file.status()->size_bytes, 8192U);
  EXPECT_GE(file.status()->allocated_bytes, 8192U);
  ASSERT_EQ(error_of(file.allocate(FALLOC_FL_KEEP_SIZE, 0, 65536)), 0);
  EXPECT_EQ(file.status()->size_bytes, 8192U);
  ASSERT_EQ(error_of(file.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3)), 0);
  EXPECT_EQ(content_of(path_).substr(0, 10), std::string("01\0\0\0"
                                                         "56789",
                                                         10));
  EXPECT_EQ(error_of(file.allocate(0, 0, 0)), EINVAL);
  EXPECT_EQ(error_of(open(path_, O_RDONLY).allocate(0, 0, 100)), EBADF);
}

TEST_F(FileOperationsTest, TruncatesThroughTheRingOrSaysThatTheKernelIsTooOld) {
  const File file = open(path_, O_RDWR);
  if (loop_.reactor().ring().supports(Opcode::ftruncate)) {
    EXPECT_EQ(error_of(file.truncate(4)), 0);
    EXPECT_EQ(content_of(path_), "0123");
    EXPECT_EQ(error_of(file.truncate(6)), 0);
    EXPECT_EQ(content_of(path_), std::string("0123\0\0", 6));
    EXPECT_EQ(error_of(open(path_, O_RDONLY).truncate(0)), EINVAL);
  } else {
    EXPECT_EQ(error_of(file.truncate(4)), EOPNOTSUPP);
    EXPECT_EQ(content_of(path_), "0123456789");
  }
}

TEST_F(FileOperationsTest, TruncatesOnEveryKernelWithAPool) {
  BlockingPool pool({});
  ASSERT_TRUE(loop_.executor().enable_messages());
  const File file = open(path_, O_RDWR);
  EXPECT_EQ(error_of(file.truncate(4, pool)), 0);
  EXPECT_EQ(content_of(path_), "0123");
  EXPECT_EQ(error_of(file.truncate(std::uint64_t{1} << 63, pool)), EFBIG);
  EXPECT_EQ(error_of(open(path_, O_RDONLY).truncate(0, pool)), EINVAL);
  EXPECT_EQ(error_of(File().truncate(0, pool)), EBADF);
}

TEST_F(FileOperationsTest, TakesAdvice) {
  const File file = open(path_, O_RDONLY);
  for (const int advice : {POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_SEQUENTIAL,
                           POSIX_FADV_RANDOM, POSIX_FADV_NORMAL}) {
    EXPECT_EQ(error_of(file.advise(0, 0, advice)), 0) << advice;
  }
  EXPECT_EQ(error_of(file.advise(0, std::numeric_limits<std::uint64_t>::max(), 0)), 0);
  EXPECT_EQ(error_of(file.advise(0, 0, 12345)), EINVAL);
}

TEST_F(FileOperationsTest, TellsOfAPathWhatStatDoes) {
  ASSERT_EQ(::symlink(path_.c_str(), folder_.path("link").c_str()), 0);
  struct stat expected{};
  ASSERT_EQ(::stat(path_.c_str(), &expected), 0);
  const std::string link = folder_.path("link");
  for (const std::string& path : {path_, link}) {
    const FileStatus status = await(File::status_of(path.c_str())).value();
    EXPECT_EQ(status.type, FileStatus::Type::regular);
    EXPECT_EQ(status.size_bytes, 10U);
    EXPECT_EQ(status.inode, expected.st_ino);
    EXPECT_EQ(status.device, expected.st_dev);
    EXPECT_EQ(status.modified_s, expected.st_mtim.tv_sec);
    EXPECT_EQ(status.modified_ns, static_cast<std::uint32_t>(expected.st_mtim.tv_nsec));
    EXPECT_EQ(status.mode, expected.st_mode);
    EXPECT_EQ(status.links, expected.st_nlink);
    EXPECT_EQ(status.user_id, expected.st_uid);
    EXPECT_EQ(status.group_id, expected.st_gid);
  }
  const FileStatus open_file = open(path_, O_RDONLY).status().value();
  EXPECT_EQ(open_file.mode, expected.st_mode);
  EXPECT_EQ(open_file.links, expected.st_nlink);
  EXPECT_EQ(open_file.allocated_bytes, static_cast<std::uint64_t>(expected.st_blocks) * 512);
  EXPECT_EQ(await(File::status_of(folder_.path().c_str()))->type, FileStatus::Type::directory);
  EXPECT_EQ(error_of(File::status_of(folder_.path("missing").c_str())), ENOENT);
}

TEST_F(FileOperationsTest, SplicesAFileThroughAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const File from = open(path_, O_RDONLY);
  const File to = open(folder_.path("copy"), O_RDWR | O_CREAT);
  EXPECT_EQ(await(splice({from.descriptor(), 2}, {in.get()}, 100)), 8U);
  EXPECT_EQ(await(splice({out.get()}, {to.descriptor(), 3}, 100)), 8U);
  EXPECT_EQ(content_of(folder_.path("copy")), std::string("\0\0\0"
                                                          "23456789",
                                                          11));
  EXPECT_EQ(await(splice({from.descriptor(), 10}, {in.get()}, 100)), 0U);
  EXPECT_EQ(error_of(splice({from.descriptor(), 0}, {to.descriptor(), 0}, 100)), EINVAL);
  EXPECT_EQ(error_of(splice({from.descriptor(), 0}, {in.get(), 0}, 100)), ESPIPE);
  // Without an offset, the file's own position is used and moved.
  ASSERT_EQ(::lseek(from.fd(), 7, SEEK_SET), 7);
  EXPECT_EQ(await(splice({from.descriptor()}, {in.get()}, 2)), 2U);
  EXPECT_EQ(::lseek(from.fd(), 0, SEEK_CUR), 9);
}

TEST_F(FileOperationsTest, ASpliceThatWaitsEndsAtItsDeadline) {
  int one[2];
  int two[2];
  ASSERT_EQ(::pipe2(one, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(two, O_CLOEXEC), 0);
  const std::array<UniqueFd, 4> ends = {UniqueFd(one[0]), UniqueFd(one[1]), UniqueFd(two[0]),
                                        UniqueFd(two[1])};
  EXPECT_EQ(error_of(with_deadline(loop_.reactor().read_clock() + 20ms,
                                   splice({ends[0].get()}, {ends[3].get()}, 100))),
            ETIMEDOUT);
}

TEST_F(FileOperationsTest, ClosesThroughTheRing) {
  const auto before = open_descriptors();
  File file = open(path_, O_RDONLY);
  auto closing = file.close();
  EXPECT_FALSE(file.is_open());
  EXPECT_EQ(error_of(std::move(closing)), 0);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(error_of(file.close()), EBADF);
  // One that is never awaited closes too.
  file = open(path_, O_RDONLY);
  {
    const auto dropped = file.close();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FileOperationsTest, ClosesWhenItsScopeIsCancelled) {
  const auto before = open_descriptors();
  File file = open(path_, O_RDONLY);
  CancelScope scope;
  scope.cancel();
  EXPECT_EQ(error_of(file.close().within(scope)), 0);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FileOperationsTest, OperationsInAScopeThatIsCancelledDoNothing) {
  CancelScope scope;
  scope.cancel();
  const File file = open(path_, O_RDWR);
  const std::array<iovec, 1> pieces = {piece_of(bytes_of("xxxx"))};
  EXPECT_EQ(error_of(file.write_vector_at(pieces, 0).within(scope)), ECANCELED);
  EXPECT_EQ(error_of(file.allocate(0, 0, 100).within(scope)), ECANCELED);
  EXPECT_EQ(error_of(file.truncate(0).within(scope)), ECANCELED);
  EXPECT_EQ(error_of(file.advise(0, 0, 0).within(scope)), ECANCELED);
  EXPECT_EQ(error_of(file.sync().within(scope)), ECANCELED);
  EXPECT_EQ(error_of(File::status_of(path_.c_str()).within(scope)), ECANCELED);
  EXPECT_EQ(content_of(path_), "0123456789");
}

TEST_F(FileOperationsTest, OneThatIsNotOpenAnswersBadDescriptor) {
  const File closed;
  std::array<std::byte, 4> buffer{};
  std::array<iovec, 1> pieces = {piece_of(std::span<std::byte>(buffer))};
  EXPECT_EQ(error_of(closed.read_vector_at(pieces, 0)), EBADF);
  EXPECT_EQ(error_of(closed.write_vector_at(pieces, 0)), EBADF);
  EXPECT_EQ(error_of(closed.read_exact_vector_at(pieces, 0)), EBADF);
  EXPECT_EQ(error_of(closed.write_all_vector_at(pieces, 0)), EBADF);
  EXPECT_EQ(error_of(closed.allocate(0, 0, 1)), EBADF);
  EXPECT_EQ(error_of(closed.advise(0, 0, 0)), EBADF);
  EXPECT_EQ(error_of(splice({closed.descriptor(), 0}, {closed.descriptor()}, 1)), EBADF);
  if (loop_.reactor().ring().supports(Opcode::ftruncate)) {
    EXPECT_EQ(error_of(closed.truncate(0)), EBADF);
  }
}

}  // namespace
}  // namespace sluice::runtime_test
