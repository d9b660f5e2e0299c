// Ring::attempt(): what needs no waiting is done at once, what does is EAGAIN.
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include <sluice/directory.hpp>
#include <sluice/file.hpp>
#include <sluice/operations.hpp>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

class Attempt : public ::testing::Test {
 protected:
  Attempt() : folder_path_(folder_.path()), content_(folder_.file("file", "0123456789")) {}

  std::int32_t attempt(const Submission& entry) { return ring_->attempt(entry); }
  std::int32_t attempt_open(const char* path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    return attempt(OpenRequest(AT_FDCWD, path, how).prepare());
  }
  std::int32_t attempt_read(int fd, std::uint64_t offset) {
    return attempt(ReadRequest(fd, buffer_, offset).prepare());
  }
  std::int32_t attempt_send_file(int to, int from, std::uint64_t offset, std::uint32_t length) {
    return attempt({.opcode = Opcode::send_file,
                    .fd = to,
                    .offset = offset,
                    .length = length,
                    .file_index = from});
  }
  [[nodiscard]] UniqueFd open_file(int flags = O_RDONLY) const {
    return UniqueFd(::open(content_.c_str(), flags | O_CLOEXEC));
  }

  TemporaryFolder folder_;
  std::string folder_path_;
  std::string content_;
  std::unique_ptr<KernelRing> ring_ = make_ring();
  std::array<std::byte, 64> buffer_{};
};

TEST_F(Attempt, OpensWhatTheNameCacheHolds) {
  static_cast<void>(open_file());  // the name is in the cache now
  const UniqueFd fd(attempt_open(content_.c_str(), O_RDONLY));
  ASSERT_TRUE(fd);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(Attempt, OpeningThatMayHaveToWriteIsLeftToTheRing) {
  EXPECT_EQ(attempt_open(folder_.path("new").c_str(), O_WRONLY | O_CREAT), -EAGAIN);
  EXPECT_EQ(attempt_open(content_.c_str(), O_WRONLY | O_TRUNC), -EAGAIN);
  EXPECT_EQ(content_of(content_), "0123456789");
}

TEST_F(Attempt, OpeningWhatIsNotThereSaysSoOrIsLeftToTheRing) {
  const std::int32_t result = attempt_open(folder_.path("missing").c_str(), O_RDONLY);
  EXPECT_TRUE(result == -ENOENT || result == -EAGAIN) << result;
}

TEST_F(Attempt, KeepsARequestsOwnRestrictions) {
  const Directory directory = Directory::open(folder_path_.c_str()).value();
  OpenRequest request = directory.open_request("../etc", O_RDONLY, SymlinkPolicy::beneath);
  const std::int32_t result = attempt(request.prepare());
  EXPECT_TRUE(result == -EXDEV || result == -EAGAIN) << result;
  EXPECT_EQ(request.how.resolve & RESOLVE_CACHED, 0U) << "the request itself stays as it was";
}

TEST_F(Attempt, ReadsWhatThePageCacheHolds) {
  const UniqueFd fd = open_file();
  EXPECT_EQ(attempt_read(fd.get(), 0), 10);
  EXPECT_EQ(text_of(std::span(buffer_).first(10)), "0123456789");
  EXPECT_EQ(attempt_read(fd.get(), 7), 3);
  EXPECT_EQ(text_of(std::span(buffer_).first(3)), "789");
  EXPECT_EQ(attempt_read(fd.get(), 10), 0);
  EXPECT_EQ(attempt_read(fd.get(), 1'000'000), 0);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 0) << "the file's own position does not move";
}

// Whether the kernel really drops the pages is its own affair; whatever it does, the answer is the
// right bytes or EAGAIN, and after EAGAIN the ring has the right bytes.
TEST_F(Attempt, ReadingWhatThePageCacheHasDroppedIsLeftToTheRing) {
  const auto expected = pattern(1 << 20);
  const std::string path = folder_.file("cold", text_of(expected));
  const File file(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  ASSERT_EQ(::fsync(file.fd()), 0);
  Loop loop;
  std::vector<std::byte> got(64 * 1024);
  for (std::size_t offset = 0; offset < expected.size(); offset += got.size()) {
    ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED);
    auto count = file.try_read_at(loop.reactor(), got, offset);
    if (!count) {
      ASSERT_EQ(count.error(), std::errc::resource_unavailable_try_again);
      count = loop.run(file.read_exact_at(got, offset));
    }
    ASSERT_GT(count.value(), 0U);
    const auto wanted = std::span(expected).subspan(offset, *count);
    ASSERT_TRUE(std::ranges::equal(std::span(got).first(*count), wanted)) << offset;
  }
}

// RWF_NOWAIT is EOPNOTSUPP where a file system does not know it: of tmpfs that is so up to Linux
// 6.5, of procfs always. attempt() promises EAGAIN for whatever the ring can do and it cannot.
TEST_F(Attempt, ReadingWhereTheFileSystemCannotTellIsLeftToTheRing) {
  const UniqueFd fd(::open("/proc/version", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(fd);
  const std::int32_t result = attempt_read(fd.get(), 0);
  EXPECT_TRUE(result > 0 || result == -EAGAIN) << result;
}

TEST_F(Attempt, ReadingAnErrorIsThatError) {
  EXPECT_EQ(attempt_read(-1, 0), -EBADF);
  EXPECT_EQ(attempt_read(open_file(O_WRONLY).get(), 0), -EBADF);
  const UniqueFd directory(::open(folder_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::int32_t result = attempt_read(directory.get(), 0);
  EXPECT_TRUE(result == -EISDIR || result == -EAGAIN) << result;
}

TEST_F(Attempt, ReceivesWhatHasComeAndWaitsForNothing) {
  const Pair pair = socket_pair();
  const auto receive = [&](int fd) { return attempt(ReceiveRequest(fd, buffer_).prepare()); };
  EXPECT_EQ(receive(pair.near.fd()), -EAGAIN);
  put(pair.far.fd(), "abc");
  EXPECT_EQ(receive(pair.near.fd()), 3);
  EXPECT_EQ(text_of(std::span(buffer_).first(3)), "abc");
  EXPECT_EQ(receive(-1), -EBADF);
  Submission into_provided = ReceiveRequest(pair.near.fd(), buffer_).prepare();
  into_provided.flags |= kSubmissionBufferSelect;
  put(pair.far.fd(), "d");
  EXPECT_EQ(attempt(into_provided), -EAGAIN) << "only the ring knows these buffers";
}

TEST_F(Attempt, StatesAnOpenDescriptor) {
  const UniqueFd fd = open_file();
  struct statx found{};
  const Submission entry{.opcode = Opcode::statx,
                         .fd = fd.get(),
                         .offset = address_of(&found),
                         .address = address_of(""),
                         .length = STATX_BASIC_STATS,
                         .operation_flags = AT_EMPTY_PATH};
  EXPECT_EQ(attempt(entry), 0);
  EXPECT_EQ(found.stx_size, 10U);
  Submission bad = entry;
  bad.fd = -1;
  EXPECT_EQ(attempt(bad), -EBADF);
}

TEST_F(Attempt, SendsAFileUntilTheSocketIsFull) {
  const std::string big = folder_.file("big", std::string(8 << 20, 'x'));
  const UniqueFd fd(::open(big.c_str(), O_RDONLY | O_CLOEXEC));
  const Pair pair = socket_pair();
  std::uint64_t sent = 0;
  std::int32_t result = 0;
  while ((result = attempt_send_file(pair.near.fd(), fd.get(), sent, 8 << 20)) > 0) {
    sent += static_cast<std::uint64_t>(result);
  }
  EXPECT_EQ(result, -EAGAIN);
  EXPECT_GT(sent, 0U);
  EXPECT_LT(sent, 8U << 20);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 0);
}

TEST_F(Attempt, SendsTheRangeThatIsAskedFor) {
  const UniqueFd fd = open_file();
  const Pair pair = socket_pair();
  EXPECT_EQ(attempt_send_file(pair.near.fd(), fd.get(), 3, 4), 4);
  EXPECT_EQ(::recv(pair.far.fd(), buffer_.data(), buffer_.size(), 0), 4);
  EXPECT_EQ(text_of(std::span(buffer_).first(4)), "3456");
  EXPECT_EQ(attempt_send_file(pair.near.fd(), fd.get(), 8, 100), 2);
  EXPECT_EQ(attempt_send_file(pair.near.fd(), fd.get(), 10, 100), 0);
  EXPECT_EQ(attempt_send_file(pair.near.fd(), fd.get(), 11, 100), 0);
  EXPECT_EQ(attempt_send_file(pair.near.fd(), -1, 0, 100), -EBADF);
  EXPECT_EQ(attempt_send_file(-1, fd.get(), 0, 100), -EBADF);
}

TEST_F(Attempt, SendsIntoFreeRoom) {
  const Pair pair = socket_pair();
  const std::vector<std::byte> block = pattern(1 << 20);
  const Submission entry = SendRequest(pair.near.fd(), block, 0).prepare();
  std::int32_t result = 0;
  int sends = 0;
  while ((result = attempt(entry)) > 0 && sends < 1000) {
    ++sends;
  }
  EXPECT_EQ(result, -EAGAIN);
  EXPECT_GT(sends, 0);
}

// send(2) has MSG_NOSIGNAL, sendfile(2) has nothing of the kind.
[[noreturn]] void send_to_a_closed_peer(bool as_file, const std::string& path) {
  ::signal(SIGPIPE, SIG_DFL);
  Loop loop;
  Pair pair = socket_pair();
  pair.far = Socket();
  const File file(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  const std::array<std::byte, 1> one{};
  const auto sent =
      as_file
          ? pair.near.try_send_file(loop.reactor(), file, 0, 10)
          : count_or_error(loop.reactor().attempt(SendRequest(pair.near.fd(), one, 0).prepare()));
  CHILD_CHECK(!sent);
  CHILD_CHECK(sent.error() == std::errc::broken_pipe);
  ::_exit(0);
}

TEST_F(Attempt, SendingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  EXPECT_EXIT(send_to_a_closed_peer(false, content_), ::testing::ExitedWithCode(0), "");
}

TEST_F(Attempt, SendingAFileToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  EXPECT_EXIT(send_to_a_closed_peer(true, content_), ::testing::ExitedWithCode(0), "");
}

TEST_F(Attempt, EverythingElseIsLeftToTheRing) {
  const Pair pair = socket_pair();
  for (const Opcode opcode :
       {Opcode::nop, Opcode::close, Opcode::fsync, Opcode::write, Opcode::poll_add}) {
    EXPECT_EQ(attempt({.opcode = opcode, .fd = pair.near.fd()}), -EAGAIN) << name_of(opcode);
  }
  EXPECT_GE(::fcntl(pair.near.fd(), F_GETFD), 0);
}

}  // namespace
}  // namespace sluice::runtime_test
