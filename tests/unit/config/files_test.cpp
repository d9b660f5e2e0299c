// What stands in the way of reading a configuration file at all.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::TemporaryDirectory;
using testing::with;
using testing::write_file;

std::string said_about(const std::filesystem::path& path) {
  const auto config = load_file(path, Check::kText);
  return config ? "ok\n" : format(config.error());
}

TEST(ConfigFiles, AreRead) {
  const TemporaryDirectory directory;
  write_file(directory / "a.yaml", with("log: {level: warn}\n"));
  const auto config = load_file(directory / "a.yaml", Check::kText);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->log.level, LogLevel::kWarn);
}

TEST(ConfigFiles, ThatAreMissingAreNamed) {
  const TemporaryDirectory directory;
  const std::string path = directory / "none.yaml";
  EXPECT_EQ(said_about(path), path + ": error: cannot be opened: No such file or directory\n");
  EXPECT_EQ(said_about(""), "error: cannot be opened: No such file or directory\n");
}

TEST(ConfigFiles, ThatAreDirectoriesAreRefused) {
  const TemporaryDirectory directory;
  EXPECT_EQ(said_about(directory.path()),
            directory.path().string() + ": error: is a directory, not a configuration file\n");
}

TEST(ConfigFiles, ThatMayNotBeReadAreRefused) {
  const TemporaryDirectory directory;
  const std::string path = directory / "secret.yaml";
  write_file(path, with(""));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  // The super-user may read everything, so the test must not be that user.
  const uid_t user = ::geteuid();
  const uid_t nobody = 65534;
  ASSERT_EQ(user == 0 ? ::seteuid(nobody) : 0, 0);
  const std::string said = said_about(path);
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_EQ(said, path + ": error: cannot be opened: Permission denied\n");
}

TEST(ConfigFiles, ThatAreEmptyAreRefused) {
  const TemporaryDirectory directory;
  write_file(directory / "a.yaml", "");
  EXPECT_EQ(said_about(directory / "a.yaml"),
            (directory / "a.yaml").string() +
                ": error: the file is empty: it needs 'listeners' and 'sites' at least\n");
}

TEST(ConfigFiles, HaveAtMostOneMebibyte) {
  const TemporaryDirectory directory;
  std::string text = with("");
  text += '#' + std::string(kMostFileBytes - text.size() - 1, 'x');
  write_file(directory / "a.yaml", text);
  EXPECT_EQ(said_about(directory / "a.yaml"), "ok\n");
  write_file(directory / "a.yaml", text + 'x');
  EXPECT_EQ(said_about(directory / "a.yaml"),
            (directory / "a.yaml").string() + ": error: the file is larger than 1048576 bytes\n");
  EXPECT_EQ(format(load_text(text + 'x', "t").error()),
            "t: error: the file is larger than 1048576 bytes\n");
}

TEST(ConfigFiles, ThatNeverEndAreRefused) {
  EXPECT_EQ(said_about("/dev/zero"), "/dev/zero: error: the file is larger than 1048576 bytes\n");
}

TEST(ConfigFiles, MayBePipes) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  std::thread writer([fd = ends[1]] {
    const std::string text = with("# " + std::string(200'000, 'x') + '\n');
    std::size_t written = 0;
    while (written < text.size()) {
      const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
      if (count <= 0) {
        break;
      }
      written += static_cast<std::size_t>(count);
    }
    ::close(fd);
  });
  const std::string said = said_about("/dev/fd/" + std::to_string(ends[0]));
  writer.join();
  ::close(ends[0]);
  EXPECT_EQ(said, "ok\n");
}

TEST(ConfigFiles, ThatArePipesNobodyWritesToDoNotHang) {
  const TemporaryDirectory directory;
  const std::string path = directory / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(said_about(path),
            path + ": error: the file is empty: it needs 'listeners' and 'sites' at least\n");
}

TEST(ConfigFiles, AreCheckedAgainstTheSystemUnlessToldOtherwise) {
  const TemporaryDirectory directory;
  write_file(directory / "a.yaml",
             "listeners: [{name: web, address: \":80\"}]\n"
             "sites: [{name: a, mounts: [{path: /, root: " +
                 (directory / "none").string() + "}]}]\nlgo: 1\n");
  const auto config = load_file(directory / "a.yaml");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 2);
  EXPECT_EQ(config.error()[0].place, (Place{2, 44}));
  EXPECT_NE(config.error()[0].message.find("does not exist"), std::string::npos);
  EXPECT_EQ(config.error()[1].place, (Place{3, 1}));
}

}  // namespace
}  // namespace sluiced::config
