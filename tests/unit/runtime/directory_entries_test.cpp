#include <sluice/directory_entries.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <sluice/blocking_pool.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

namespace fs = std::filesystem;
using Type = DirectoryEntry::Type;

class DirectoryEntriesTest : public FileFixture {
 protected:
  DirectoryEntriesTest() {
    EXPECT_TRUE(loop_.executor().enable_messages());
    fs::create_directory(folder_.path("listed"));
    directory_ = Directory::open(folder_.path("listed").c_str()).value();
  }

  // Reads everything through the pool, and counts the batches.
  Task<std::map<std::string, DirectoryEntry>> read_all(std::size_t& batches) {
    std::map<std::string, DirectoryEntry> found;
    auto entries = directory_.entries();
    EXPECT_TRUE(entries);
    while (true) {
      const auto more = co_await entries->read(pool_);
      EXPECT_TRUE(more);
      if (!more.value_or(false)) {
        break;
      }
      ++batches;
      for (const DirectoryEntry& entry : *entries) {
        const std::string name(entry.name);
        EXPECT_EQ(entry.name.data()[entry.name.size()], '\0');
        EXPECT_FALSE(found.contains(name)) << name;
        found[name] = entry;
      }
    }
    EXPECT_EQ(entries->begin(), entries->end());
    co_return found;
  }

  BlockingPool pool_{{}};
  Directory directory_;
};

TEST_F(DirectoryEntriesTest, TellsNamesTypesAndInodes) {
  const std::string odd = "\xff\n \"x";
  static_cast<void>(folder_.file("listed/file", ""));
  static_cast<void>(folder_.file("listed/" + odd, ""));
  static_cast<void>(folder_.file("listed/.hidden", ""));
  static_cast<void>(folder_.file("listed/...", ""));
  fs::create_directory(folder_.path("listed/sub"));
  fs::create_symlink("nowhere", folder_.path("listed/link"));
  ASSERT_EQ(::mkfifo(folder_.path("listed/pipe").c_str(), 0600), 0);
  std::size_t batches = 0;
  const auto found = await(read_all(batches));
  std::map<std::string, Type> types;
  for (const auto& [name, entry] : found) {
    types[name] = entry.type;
    struct stat expected{};
    ASSERT_EQ(::lstat(folder_.path("listed/" + name).c_str(), &expected), 0);
    EXPECT_EQ(entry.inode, expected.st_ino);
  }
  const std::map<std::string, Type> expected = {{"file", Type::regular},    {odd, Type::regular},
                                                {".hidden", Type::regular}, {"...", Type::regular},
                                                {"sub", Type::directory},   {"link", Type::symlink},
                                                {"pipe", Type::other}};
  EXPECT_EQ(types, expected);
}

TEST_F(DirectoryEntriesTest, ReadsALargeDirectoryInBatchesAndEachEntryOnce) {
  constexpr int kFiles = 3000;
  for (int number = 0; number < kFiles; ++number) {
    const std::string name = "a rather long name for file number " + std::to_string(number);
    const UniqueFd made(
        ::open(folder_.path("listed/" + name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(made);
  }
  std::size_t batches = 0;
  EXPECT_EQ(await(read_all(batches)).size(), static_cast<std::size_t>(kFiles));
  EXPECT_GT(batches, 3U);
}

TEST_F(DirectoryEntriesTest, AnEmptyDirectoryHasNoEntries) {
  std::size_t batches = 0;
  EXPECT_TRUE(await(read_all(batches)).empty());
}

TEST_F(DirectoryEntriesTest, EachReaderHasAPlaceOfItsOwn) {
  static_cast<void>(folder_.file("listed/file", ""));
  auto one = directory_.entries().value();
  auto two = directory_.entries().value();
  for (auto* entries : {&one, &two}) {
    EXPECT_EQ(entries->read_blocking(), true);
    EXPECT_EQ(std::ranges::count(*entries, "file", &DirectoryEntry::name), 1);
    EXPECT_EQ(entries->read_blocking(), false);
  }
}

TEST_F(DirectoryEntriesTest, SaysWhyThereAreNone) {
  const std::string path = folder_.file("file", "");
  EXPECT_EQ(errno_of(DirectoryEntries::open(open(path, O_RDONLY).fd())), ENOTDIR);
  EXPECT_EQ(errno_of(DirectoryEntries::open(-1)), EBADF);
  auto entries = directory_.entries().value();
  fs::remove(folder_.path("listed"));
  EXPECT_EQ(errno_of(entries.read_blocking()), ENOENT);
  EXPECT_EQ(entries.begin(), entries.end());
}

TEST_F(DirectoryEntriesTest, AFullPoolAndACancelledScopeAreErrors) {
  BlockingPool full({.threads = 1, .queue_limit = 0});
  auto entries = directory_.entries().value();
  EXPECT_EQ(error_of(entries.read(full)), EAGAIN);
  CancelScope scope;
  scope.cancel();
  const auto reading = [&]() -> Task<Result<bool>> {
    co_return co_await entries.read(pool_).within(scope);
  };
  EXPECT_EQ(error_of(reading()), ECANCELED);
  EXPECT_EQ(await(entries.read(pool_)), true);
}

}  // namespace
}  // namespace sluice::runtime_test
