#include <sluice/directory.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support.hpp"

namespace sluice::runtime_test {
namespace {

namespace fs = std::filesystem;

//   outside            a file
//   root/file          root/sub/file
//   root/in -> sub/file      root/up -> sub/../file      root/chain -> in
//   root/out -> ../outside   root/absolute -> <the path of root/file>   root/dir -> sub
class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    fs::create_directories(folder_.path("root/sub"));
    static_cast<void>(folder_.file("outside", "secret"));
    static_cast<void>(folder_.file("root/file", "inside"));
    static_cast<void>(folder_.file("root/sub/file", "deeper"));
    fs::create_symlink("sub/file", folder_.path("root/in"));
    fs::create_symlink("sub/../file", folder_.path("root/up"));
    fs::create_symlink("in", folder_.path("root/chain"));
    fs::create_symlink("../outside", folder_.path("root/out"));
    fs::create_symlink(folder_.path("root/file"), folder_.path("root/absolute"));
    fs::create_symlink("sub", folder_.path("root/dir"));
    fs::create_symlink("loop", folder_.path("root/loop"));
    root_ = Directory::open(folder_.path("root").c_str()).value();
  }

  Result<UniqueFd> open(const char* path, SymlinkPolicy policy = SymlinkPolicy::beneath,
                        int flags = O_RDONLY) {
    const auto opening = [&]() -> Task<Result<UniqueFd>> {
      co_return co_await root_.open_beneath(path, flags, policy);
    };
    return loop_.run(opening());
  }
  std::string content(const char* path) {
    const auto fd = open(path);
    if (!fd) {
      return fd.error().message();
    }
    std::array<char, 64> text{};
    const ssize_t count = ::pread(fd->get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }

  TemporaryFolder folder_;
  Directory root_;
  Loop loop_;
};

TEST_F(DirectoryTest, OpensWhatIsBelow) {
  EXPECT_EQ(content("file"), "inside");
  EXPECT_EQ(content("sub/file"), "deeper");
  EXPECT_EQ(content("./sub/.././file"), "inside");
  EXPECT_TRUE(open("."));
  EXPECT_TRUE(open("sub/"));
  EXPECT_EQ(open("file/").error(), std::errc::not_a_directory);
  EXPECT_EQ(open("missing").error(), std::errc::no_such_file_or_directory);
}

TEST_F(DirectoryTest, NoPathLeadsOut) {
  const std::string absolute = folder_.path("root/file");
  for (const char* path : {"..", "../outside", "sub/../../outside", "./..", "/", "/etc/passwd",
                           "../root/file", absolute.c_str(), "sub/../../root/file"}) {
    for (const SymlinkPolicy policy : {SymlinkPolicy::beneath, SymlinkPolicy::none}) {
      const auto fd = open(path, policy);
      ASSERT_FALSE(fd) << path;
      EXPECT_EQ(fd.error(), std::errc::cross_device_link) << path;
    }
  }
}

TEST_F(DirectoryTest, AnEmptyPathNamesNothing) {
  EXPECT_EQ(open("").error(), std::errc::no_such_file_or_directory);
}

TEST_F(DirectoryTest, LinksThatStayBelowAreFollowed) {
  EXPECT_EQ(content("in"), "deeper");
  EXPECT_EQ(content("up"), "inside");
  EXPECT_EQ(content("chain"), "deeper");
  EXPECT_EQ(content("dir/file"), "deeper");
}

TEST_F(DirectoryTest, LinksThatLeadOutAreNot) {
  EXPECT_EQ(open("out").error(), std::errc::cross_device_link);
  EXPECT_EQ(open("absolute").error(), std::errc::cross_device_link)
      << "absolute links lead out even when they come back in";
  EXPECT_EQ(open("loop").error(), std::errc::too_many_symbolic_link_levels);
}

TEST_F(DirectoryTest, WithoutLinksEveryLinkIsAnError) {
  for (const char* path : {"in", "up", "chain", "out", "absolute", "dir/file", "loop"}) {
    EXPECT_EQ(open(path, SymlinkPolicy::none).error(), std::errc::too_many_symbolic_link_levels)
        << path;
  }
  EXPECT_TRUE(open("sub/file", SymlinkPolicy::none));
}

TEST_F(DirectoryTest, MagicLinksAreNotFollowed) {
  root_ = Directory::open("/proc/self").value();
  for (const char* path : {"exe", "cwd/etc", "root/etc/passwd", "fd/0"}) {
    EXPECT_EQ(open(path).error(), std::errc::too_many_symbolic_link_levels) << path;
  }
}

TEST_F(DirectoryTest, AFifoDoesNotBlock) {
  ASSERT_EQ(::mkfifo(folder_.path("root/fifo").c_str(), 0600), 0);
  const auto reader = open("fifo");
  ASSERT_TRUE(reader);
  EXPECT_TRUE(open("fifo", SymlinkPolicy::beneath, O_WRONLY)) << "there is a reader now";
}

TEST_F(DirectoryTest, AFifoWithoutAReaderDoesNotBlockAWriter) {
  ASSERT_EQ(::mkfifo(folder_.path("root/fifo").c_str(), 0600), 0);
  EXPECT_EQ(open("fifo", SymlinkPolicy::beneath, O_WRONLY).error(),
            std::errc::no_such_device_or_address);
}

TEST_F(DirectoryTest, WhatItOpenedTellsWhatItIs) {
  ASSERT_EQ(::mkfifo(folder_.path("root/fifo").c_str(), 0600), 0);
  EXPECT_EQ(File(open("fifo").value()).status()->type, FileStatus::Type::other);
  EXPECT_EQ(File(open("sub").value()).status()->type, FileStatus::Type::directory);
  EXPECT_EQ(File(open("file").value()).status()->type, FileStatus::Type::regular);
}

TEST_F(DirectoryTest, WhatItOpenedIsClosedOnExec) {
  const auto fd = open("file");
  EXPECT_EQ(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

// O_NONBLOCK is there for FIFOs. It must not turn a read of a file that is not in memory, or on a
// file system without non-blocking reads, into EAGAIN.
TEST_F(DirectoryTest, WhatItOpenedCanBeReadThoughItIsNotInMemory) {
  const std::string path = folder_.file("root/cold", text_of(pattern(1 << 20)));
  const File file(open("cold").value());
  ASSERT_EQ(::fsync(file.fd()), 0);
  std::vector<std::byte> buffer(1 << 20);
  for (int round = 0; round < 5; ++round) {
    ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED);
    EXPECT_EQ(loop_.run(file.read_exact_at(buffer, 0)), buffer.size());
  }
  EXPECT_EQ(buffer, pattern(1 << 20));
}

TEST_F(DirectoryTest, WhatItOpenedCanBeReadOnAFileSystemWithoutNonBlockingReads) {
  root_ = Directory::open("/proc").value();
  const File file(open("version").value());
  std::array<std::byte, 64> buffer;
  EXPECT_GT(loop_.run(file.read_exact_at(buffer, 0)).value_or(0), 0U);
}

TEST_F(DirectoryTest, StatusIsLookedUpAsOpeningWould) {
  const auto status = [this](const char* path, SymlinkPolicy policy = SymlinkPolicy::beneath) {
    return root_.status_beneath(path, policy);
  };
  EXPECT_EQ(status("file")->size_bytes, 6U);
  EXPECT_EQ(status("sub")->type, FileStatus::Type::directory);
  EXPECT_EQ(status("in")->type, FileStatus::Type::regular);
  EXPECT_EQ(status("in", SymlinkPolicy::none).error(), std::errc::too_many_symbolic_link_levels);
  EXPECT_EQ(status("out").error(), std::errc::cross_device_link);
  EXPECT_EQ(status("../outside").error(), std::errc::cross_device_link);
  EXPECT_EQ(status("missing").error(), std::errc::no_such_file_or_directory);
  ASSERT_EQ(::mkfifo(folder_.path("root/fifo").c_str(), 0000), 0);
  EXPECT_EQ(status("fifo")->type, FileStatus::Type::other) << "needs no permission to read it";
}

TEST_F(DirectoryTest, OnlyDirectoriesCanBeOne) {
  EXPECT_EQ(Directory::open(folder_.path("root/file").c_str()).error(), std::errc::not_a_directory);
  EXPECT_EQ(Directory::open(folder_.path("missing").c_str()).error(),
            std::errc::no_such_file_or_directory);
  EXPECT_TRUE(root_.is_open());
  root_ = Directory();
  EXPECT_FALSE(root_.is_open());
  EXPECT_EQ(open("file").error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(root_.status_beneath("file", SymlinkPolicy::beneath).error(),
            std::errc::bad_file_descriptor);
}

TEST_F(DirectoryTest, StaysWhereItIsWhenItIsRenamed) {
  fs::rename(folder_.path("root"), folder_.path("elsewhere"));
  EXPECT_EQ(content("file"), "inside");
  EXPECT_EQ(open("../outside").error(), std::errc::cross_device_link);
}

// A directory that is moved in and out again while names go through it: whatever is opened lies
// below, or it is one of the errors that say so.
TEST_F(DirectoryTest, ARenameInTheSameMomentLeadsNowhere) {
  fs::create_directories(folder_.path("root/a/b"));
  static_cast<void>(folder_.file("root/target", "inside"));
  static_cast<void>(folder_.file("target", "secret"));
  std::atomic<bool> stop{false};
  std::thread mover([&] {
    const std::string in = folder_.path("root/a/b");
    const std::string out = folder_.path("b");
    while (!stop) {
      ::rename(in.c_str(), out.c_str());
      ::rename(out.c_str(), in.c_str());
    }
  });
  int opened = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto fd = open("a/b/../../target");
    if (fd) {
      ++opened;
      std::array<char, 8> text{};
      ASSERT_EQ(::pread(fd->get(), text.data(), 6, 0), 6);
      ASSERT_STREQ(text.data(), "inside");
    } else {
      const int error = fd.error().value();
      ASSERT_TRUE(error == EXDEV || error == EAGAIN || error == ENOENT) << fd.error().message();
    }
  }
  stop = true;
  mover.join();
  EXPECT_GT(opened, 0);
}

}  // namespace
}  // namespace sluice::runtime_test
