// What the cache of open files answers when files, and what leads to them, change. Every look-up is
// made in a turn of its own, as requests that arrive one after another are.
#include "files/file_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <sluice/sync.hpp>

#include "../runtime/support.hpp"

namespace sluiced::files {
namespace {

namespace fs = std::filesystem;
using sluice::runtime_test::Loop;
using sluice::runtime_test::TemporaryFolder;

constexpr std::size_t kRootIndex = 3;

class FileCacheTest : public ::testing::Test {
 protected:
  FileCacheTest()
      : root_(*Root::open(folder_.path(), sluice::SymlinkPolicy::beneath)), cache_(make(4)) {}

  [[nodiscard]] std::unique_ptr<FileCache> make(std::size_t max_files) {
    return std::make_unique<FileCache>(loop_.executor(), FileCacheOptions{max_files, {}}, metrics_);
  }

  sluice::Result<SharedFile> look_up(const std::string& path) {
    return loop_.run(look_up_in_a_new_turn(path));
  }
  // What a request for `path` would be answered with; "-" when there is no file.
  std::string content(const std::string& path) {
    auto found = look_up(path);
    if (!found && found.error() == std::errc::resource_unavailable_try_again) {
      // Any rename on the file system can make the kernel say so of a path with a link in it.
      found = loop_.run(root_.open_file(path.c_str()));
    }
    if (!found) {
      return "-";
    }
    std::string text((*found)->status.size_bytes, '\0');
    const auto count = ::pread((*found)->file.fd(), text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  // Asks until the cache keeps the file.
  void keep(const std::string& path) {
    const auto before = metrics_.entries.value();
    static_cast<void>(look_up(path));
    static_cast<void>(look_up(path));
    ASSERT_EQ(metrics_.entries.value(), before + 1) << path;
  }
  void make_directory(const std::string& name) { fs::create_directory(folder_.path(name)); }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path(name), std::ios::binary) << text;
  }
  void move(const std::string& from, const std::string& to) {
    fs::rename(folder_.path(from), folder_.path(to));
  }

  TemporaryFolder folder_;
  Loop loop_;
  observe::FileCacheMetrics metrics_;
  Root root_;
  std::unique_ptr<FileCache> cache_;

 private:
  sluice::Task<sluice::Result<SharedFile>> look_up_in_a_new_turn(std::string path) {
    co_await sluice::yield();
    co_return cache_->try_open(root_, kRootIndex, path.c_str());
  }
};

// A request may be received in the middle of a turn, behind a change that the turn knows nothing
// of.
TEST_F(FileCacheTest, AChangeIsSeenByARequestThatIsReceivedLaterInTheSameTurn) {
  put("a", "one");
  keep("a");
  const auto in_one_turn = [this]() -> sluice::Task<std::string> {
    co_await sluice::yield();
    static_cast<void>(cache_->try_open(root_, kRootIndex, "a"));
    put("b", "two");
    move("b", "a");
    cache_->received_in_turn();
    const auto found = cache_->try_open(root_, kRootIndex, "a");
    std::string text(3, '\0');
    static_cast<void>(::pread((*found)->file.fd(), text.data(), text.size(), 0));
    co_return text;
  };
  EXPECT_EQ(loop_.run(in_one_turn()), "two");
}

TEST_F(FileCacheTest, AFileAskedForTwiceIsKeptAndFoundTheThirdTime) {
  put("a", "one");
  EXPECT_EQ(content("a"), "one");
  EXPECT_EQ(metrics_.entries.value(), 0);
  EXPECT_EQ(content("a"), "one");
  EXPECT_EQ(metrics_.entries.value(), 1);
  EXPECT_EQ(metrics_.misses.value(), 2U);
  EXPECT_EQ(content("a"), "one");
  EXPECT_EQ(metrics_.hits.value(), 1U);
}

TEST_F(FileCacheTest, ALookUpThatHitsGivesTheVeryFileThatIsKept) {
  put("a", "one");
  keep("a");
  EXPECT_EQ(*look_up("a"), *look_up("a"));
}

TEST_F(FileCacheTest, AChangeOfAnyKindIsSeenByTheNextLookUp) {
  make_directory("d");
  const auto change = [this](const std::string& what, auto&& how, const std::string& now) {
    put("d/f", "old");
    keep("d/f");
    how();
    EXPECT_EQ(content("d/f"), now) << what;
    fs::remove_all(folder_.path("d"));
    make_directory("d");
    EXPECT_EQ(content("d/f"), "-") << what;
    EXPECT_EQ(metrics_.entries.value(), 0) << what;
  };
  change("rewritten in place, as long as before", [this] { put("d/f", "new"); }, "new");
  change(
      "appended to", [this] { std::ofstream(folder_.path("d/f"), std::ios::app) << "er"; },
      "older");
  change("cut short", [this] { fs::resize_file(folder_.path("d/f"), 1); }, "o");
  change(
      "replaced",
      [this] {
        put("g", "newer");
        move("g", "d/f");
      },
      "newer");
  change("removed", [this] { fs::remove(folder_.path("d/f")); }, "-");
  change("moved away", [this] { move("d/f", "d/g"); }, "-");
  change(
      "its directory moved away",
      [this] {
        move("d", "e");
        fs::remove_all(folder_.path("e"));
      },
      "-");
  change(
      "its directory replaced",
      [this] {
        make_directory("e");
        put("e/f", "other");
        ASSERT_EQ(::renameat2(AT_FDCWD, folder_.path("e").c_str(), AT_FDCWD,
                              folder_.path("d").c_str(), RENAME_EXCHANGE),
                  0);
        fs::remove_all(folder_.path("e"));
      },
      "other");
  change(
      "its directory replaced by a link",
      [this] {
        make_directory("h");
        put("h/f", "linked");
        fs::remove_all(folder_.path("d"));
        fs::create_directory_symlink("h", folder_.path("d"));
      },
      "linked");
}

TEST_F(FileCacheTest, AWriteUnderAnotherNameOfTheFileIsSeen) {
  put("a", "old");
  fs::create_hard_link(folder_.path("a"), folder_.path("b"));
  keep("a");
  put("b", "longer");
  EXPECT_EQ(content("a"), "longer");
}

TEST_F(FileCacheTest, AFileThatTwoNamesLeadToIsWatchedForBoth) {
  put("a", "old");
  fs::create_hard_link(folder_.path("a"), folder_.path("b"));
  keep("a");
  keep("b");
  fs::remove(folder_.path("a"));
  EXPECT_EQ(content("a"), "-");
  EXPECT_EQ(content("b"), "old");
  put("b", "new!");
  EXPECT_EQ(content("b"), "new!");
}

TEST_F(FileCacheTest, APermissionThatIsTakenAwayIsSeen) {
  put("a", "old");
  keep("a");
  const auto invalidated = metrics_.invalidations.value();
  ASSERT_EQ(::chmod(folder_.path("a").c_str(), 0), 0);
  static_cast<void>(look_up("a"));
  EXPECT_EQ(metrics_.invalidations.value(), invalidated + 1);
}

TEST_F(FileCacheTest, WhatASymbolicLinkLeadsToIsNotKept) {
  put("a", "one");
  fs::create_symlink("a", folder_.path("link"));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(content("link"), "one");
  }
  EXPECT_EQ(metrics_.entries.value(), 0);
}

TEST_F(FileCacheTest, DirectoriesAndSpecialFilesAreNotKept) {
  make_directory("d");
  ASSERT_EQ(::mkfifo(folder_.path("fifo").c_str(), 0600), 0);
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(look_up("d"));
    EXPECT_TRUE(look_up("fifo"));
  }
  EXPECT_EQ(metrics_.entries.value(), 0);
}

TEST_F(FileCacheTest, TheFileUnusedForLongestGivesWay) {
  for (const char* name : {"a", "b", "c", "d"}) {
    put(name, name);
    keep(name);
  }
  EXPECT_EQ(content("a"), "a");  // used again: "b" is the one now
  put("e", "e");
  static_cast<void>(look_up("e"));
  static_cast<void>(look_up("e"));
  EXPECT_EQ(metrics_.entries.value(), 4);
  EXPECT_EQ(metrics_.evictions.value(), 1U);
  const auto hits = metrics_.hits.value();
  EXPECT_EQ(content("a"), "a");
  EXPECT_EQ(metrics_.hits.value(), hits + 1);
  const auto misses = metrics_.misses.value();
  EXPECT_EQ(content("b"), "b");
  EXPECT_EQ(metrics_.misses.value(), misses + 1);
}

TEST_F(FileCacheTest, AFileThatIsBeingSentOutlivesItsPlaceInTheCache) {
  put("a", "old");
  keep("a");
  const SharedFile sent = *look_up("a");
  fs::remove(folder_.path("a"));
  EXPECT_EQ(content("a"), "-");
  std::string text(3, '\0');
  EXPECT_EQ(::pread(sent->file.fd(), text.data(), text.size(), 0), 3);
  EXPECT_EQ(text, "old");
}

TEST_F(FileCacheTest, OfARootThatIsDroppedNothingIsKept) {
  put("a", "one");
  keep("a");
  cache_->drop_root(kRootIndex + 1);
  EXPECT_EQ(metrics_.entries.value(), 1);
  cache_->drop_root(kRootIndex);
  EXPECT_EQ(metrics_.entries.value(), 0);
  EXPECT_EQ(content("a"), "one");
}

TEST_F(FileCacheTest, ACacheOfNoFilesKeepsNone) {
  cache_ = make(0);
  put("a", "one");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(content("a"), "one");
  }
  EXPECT_EQ(metrics_.entries.value(), 0);
}

TEST_F(FileCacheTest, DescriptorsOfAllThatIsKeptAreClosedAtTheEnd) {
  const auto before = sluice::runtime_test::open_descriptors();
  cache_ = make(64);
  make_directory("d");
  for (int index = 0; index < 64; ++index) {
    const std::string name = "d/" + std::to_string(index);
    put(name, name);
    keep(name);
  }
  EXPECT_GE(sluice::runtime_test::open_descriptors(), before + 64);
  cache_ = nullptr;
  EXPECT_LE(sluice::runtime_test::open_descriptors(), before);
}

TEST_F(FileCacheTest, AThousandChangesBetweenTwoLookUpsAreTakenIn) {
  put("a", "0");
  put("b", "0");
  keep("a");
  keep("b");
  for (int index = 1; index <= 1000; ++index) {
    put("a", std::to_string(index));
  }
  EXPECT_EQ(content("a"), "1000");
  EXPECT_EQ(content("b"), "0");
}

}  // namespace
}  // namespace sluiced::files
