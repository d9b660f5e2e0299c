#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <sluice/directory.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

namespace fs = std::filesystem;

//   outside/secret      root/file      root/sub/      root/empty/      root/out -> ../outside
class DirectoryNamesTest : public FileFixture {
 protected:
  DirectoryNamesTest() {
    fs::create_directories(folder_.path("root/sub"));
    fs::create_directories(folder_.path("root/empty"));
    fs::create_directories(folder_.path("outside"));
    static_cast<void>(folder_.file("outside/secret", "secret"));
    static_cast<void>(folder_.file("root/file", "inside"));
    fs::create_directory_symlink("../outside", folder_.path("root/out"));
    root_ = Directory::open(folder_.path("root").c_str()).value();
    sub_ = Directory::open(folder_.path("root/sub").c_str()).value();
  }
  [[nodiscard]] bool exists(const char* path) const {
    return fs::exists(fs::symlink_status(folder_.path(path)));
  }

  Directory root_;
  Directory sub_;
};

TEST_F(DirectoryNamesTest, Renames) {
  EXPECT_EQ(error_of(root_.rename("file", root_, "renamed")), 0);
  EXPECT_FALSE(exists("root/file"));
  EXPECT_EQ(error_of(root_.rename("renamed", sub_, "moved")), 0);
  EXPECT_EQ(content_of(folder_.path("root/sub/moved")), "inside");
  EXPECT_EQ(error_of(root_.rename("missing", root_, "x")), ENOENT);
  EXPECT_EQ(error_of(sub_.rename("moved", root_, "empty")), EISDIR);
  EXPECT_EQ(error_of(root_.rename(std::string(300, 'x').c_str(), root_, "y")), ENAMETOOLONG);
}

TEST_F(DirectoryNamesTest, RenamesWithFlags) {
  static_cast<void>(folder_.file("root/other", "other"));
  EXPECT_EQ(error_of(root_.rename("file", root_, "other", RENAME_NOREPLACE)), EEXIST);
  EXPECT_EQ(error_of(root_.rename("file", root_, "other", RENAME_EXCHANGE)), 0);
  EXPECT_EQ(content_of(folder_.path("root/other")), "inside");
  EXPECT_EQ(content_of(folder_.path("root/file")), "other");
  EXPECT_EQ(error_of(root_.rename("file", root_, "other", 1U << 20)), EINVAL);
  EXPECT_EQ(error_of(root_.rename("file", root_, "other")), 0);
  EXPECT_EQ(content_of(folder_.path("root/other")), "other");
}

TEST_F(DirectoryNamesTest, Removes) {
  EXPECT_EQ(error_of(root_.remove("sub")), EISDIR);
  EXPECT_EQ(error_of(root_.remove_directory("file")), ENOTDIR);
  EXPECT_EQ(error_of(root_.remove("file")), 0);
  EXPECT_EQ(error_of(root_.remove("file")), ENOENT);
  static_cast<void>(folder_.file("root/sub/file", ""));
  EXPECT_EQ(error_of(root_.remove_directory("sub")), ENOTEMPTY);
  EXPECT_EQ(error_of(sub_.remove("file")), 0);
  EXPECT_EQ(error_of(root_.remove_directory("sub")), 0);
  EXPECT_FALSE(exists("root/sub"));
}

TEST_F(DirectoryNamesTest, MakesDirectories) {
  const mode_t mask = ::umask(0027);
  EXPECT_EQ(error_of(root_.make_directory("made", 0777)), 0);
  ::umask(mask);
  EXPECT_EQ(await(root_.status("made"))->mode, S_IFDIR | 0750U);
  EXPECT_EQ(error_of(root_.make_directory("made")), EEXIST);
  EXPECT_EQ(error_of(root_.make_directory("file")), EEXIST);
}

TEST_F(DirectoryNamesTest, Links) {
  EXPECT_EQ(error_of(root_.link("file", sub_, "second")), 0);
  EXPECT_EQ(await(root_.status("file"))->links, 2U);
  EXPECT_EQ(await(root_.status("file"))->inode, await(sub_.status("second"))->inode);
  EXPECT_EQ(error_of(root_.link("file", sub_, "second")), EEXIST);
  EXPECT_EQ(error_of(root_.link("sub", root_, "x")), EPERM);
}

TEST_F(DirectoryNamesTest, GivesAnUnnamedFileItsNameWhenItIsWhole) {
  const File file = open(folder_.path("root"), O_TMPFILE | O_RDWR);
  EXPECT_EQ(error_of(file.write_all_at(bytes_of("whole"), 0)), 0);
  EXPECT_EQ(error_of(root_.link_file(file, "file")), EEXIST);
  EXPECT_EQ(error_of(root_.link_file(file, "new")), 0);
  EXPECT_EQ(content_of(folder_.path("root/new")), "whole");
  EXPECT_EQ(error_of(root_.link_file(File(), "newer")), EBADF);
}

TEST_F(DirectoryNamesTest, TellsOfEntries) {
  const FileStatus file = await(root_.status("file")).value();
  EXPECT_EQ(file.type, FileStatus::Type::regular);
  EXPECT_EQ(file.size_bytes, 6U);
  EXPECT_FALSE(file.is_symlink());
  EXPECT_EQ(await(root_.status("sub"))->type, FileStatus::Type::directory);
  const FileStatus link = await(root_.status("out")).value();
  EXPECT_EQ(link.type, FileStatus::Type::other);
  EXPECT_TRUE(link.is_symlink());
  EXPECT_EQ(error_of(root_.status("missing")), ENOENT);
}

TEST_F(DirectoryNamesTest, NoNameLeadsOutOrIntoAnotherDirectory) {
  const std::string absolute = folder_.path("outside/secret");
  for (const char* name : {"", ".", "..", "/", "../outside/secret", "out/secret", "sub/../file",
                           "file/", "./file", absolute.c_str()}) {
    EXPECT_EQ(error_of(root_.rename(name, root_, "x")), EINVAL) << name;
    EXPECT_EQ(error_of(root_.rename("file", root_, name)), EINVAL) << name;
    EXPECT_EQ(error_of(root_.remove(name)), EINVAL) << name;
    EXPECT_EQ(error_of(root_.remove_directory(name)), EINVAL) << name;
    EXPECT_EQ(error_of(root_.link(name, root_, "x")), EINVAL) << name;
    EXPECT_EQ(error_of(root_.make_directory(name)), EINVAL) << name;
    EXPECT_EQ(error_of(root_.status(name)), EINVAL) << name;
  }
  EXPECT_EQ(content_of(folder_.path("outside/secret")), "secret");
}

TEST_F(DirectoryNamesTest, ALinkIsTreatedItselfAndNeverFollowed) {
  EXPECT_EQ(error_of(root_.link("out", root_, "out2")), 0);
  EXPECT_EQ(error_of(root_.rename("out2", root_, "out3")), 0);
  EXPECT_EQ(error_of(root_.remove_directory("out")), ENOTDIR);
  EXPECT_EQ(error_of(root_.make_directory("out")), EEXIST);
  EXPECT_EQ(error_of(root_.remove("out")), 0);
  EXPECT_EQ(error_of(root_.remove("out3")), 0);
  EXPECT_EQ(content_of(folder_.path("outside/secret")), "secret");
}

TEST_F(DirectoryNamesTest, NamesMayBeAnyBytes) {
  const std::string name = "\xff\xfe \n\t\"'\\\x01";
  EXPECT_EQ(error_of(root_.rename("file", root_, name.c_str())), 0);
  EXPECT_EQ(content_of(folder_.path("root/" + name)), "inside");
  for (const char* dots : {"...", "..a", ".a", " "}) {
    EXPECT_EQ(error_of(root_.make_directory(dots)), 0) << dots;
  }
}

TEST_F(DirectoryNamesTest, SyncsADirectoryThatWasOpenedByPathOnly) {
  const auto before = open_descriptors();
  EXPECT_EQ(error_of(root_.sync()), 0);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(error_of(Directory().sync()), EBADF);
}

TEST_F(DirectoryNamesTest, OneThatIsNotOpenAnswersBadDescriptor) {
  const Directory closed;
  EXPECT_EQ(error_of(closed.rename("a", root_, "b")), EBADF);
  EXPECT_EQ(error_of(root_.rename("file", closed, "b")), EBADF);
  EXPECT_EQ(error_of(closed.remove("a")), EBADF);
  EXPECT_EQ(error_of(closed.link("a", root_, "b")), EBADF);
  EXPECT_EQ(error_of(closed.make_directory("a")), EBADF);
  EXPECT_EQ(error_of(closed.status("a")), EBADF);
  EXPECT_EQ(errno_of(closed.entries()), EBADF);
}

TEST_F(DirectoryNamesTest, NothingIsChangedInAScopeThatIsCancelled) {
  CancelScope scope;
  scope.cancel();
  EXPECT_EQ(error_of(root_.rename("file", root_, "b").within(scope)), ECANCELED);
  EXPECT_EQ(error_of(root_.remove("file").within(scope)), ECANCELED);
  EXPECT_EQ(error_of(root_.link("file", root_, "b").within(scope)), ECANCELED);
  EXPECT_EQ(error_of(root_.make_directory("b").within(scope)), ECANCELED);
  EXPECT_EQ(error_of(root_.status("file").within(scope)), ECANCELED);
  EXPECT_EQ(error_of([](const Directory& root, CancelScope& cancelled) -> Task<Result<void>> {
              co_return co_await root.sync().within(cancelled);
            }(root_, scope)),
            ECANCELED);
  EXPECT_TRUE(exists("root/file"));
  EXPECT_FALSE(exists("root/b"));
}

}  // namespace
}  // namespace sluice::runtime_test
