// Directory::open_blocking() where a filter of system calls forbids openat2(2) to all but rings.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include <sluice/directory.hpp>

#include "support.hpp"
#include "system_call_filter.hpp"

namespace sluice::runtime_test {
namespace {

void check_opens(const Directory& root) {
  const auto open = [&root](const char* path, SymlinkPolicy policy = SymlinkPolicy::beneath) {
    return root.open_blocking(path, O_RDONLY, policy);
  };
  // More often than the ring has places.
  for (int round = 0; round < 200; ++round) {
    const auto fd = open("file");
    CHILD_CHECK(fd);
    std::array<char, 16> text{};
    CHILD_CHECK(::pread(fd->get(), text.data(), text.size(), 0) == 6);
    CHILD_CHECK(std::string_view(text.data(), 6) == "inside");
    CHILD_CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHILD_CHECK(open("missing").error() == std::errc::no_such_file_or_directory);
  CHILD_CHECK(open("../outside").error() == std::errc::cross_device_link);
  CHILD_CHECK(open("out").error() == std::errc::cross_device_link);
  CHILD_CHECK(open("in"));
  CHILD_CHECK(open("in", SymlinkPolicy::none).error() == std::errc::too_many_symbolic_link_levels);
  CHILD_CHECK(root.status_beneath("in", SymlinkPolicy::beneath)->size_bytes == 6);
}

[[noreturn]] void open_without_openat2(const std::string& folder) {
  const Directory root = Directory::open(folder.c_str()).value();
  forbid_system_call(SYS_openat2, ENOSYS);
  CHILD_CHECK(::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0) == -1 && errno == ENOSYS);
  // The mask of signals stays the caller's; a ring made by a test before this one blocks SIGPIPE.
  sigset_t signals;
  ::sigemptyset(&signals);
  CHILD_CHECK(::pthread_sigmask(SIG_SETMASK, &signals, nullptr) == 0);
  check_opens(root);
  CHILD_CHECK(::pthread_sigmask(SIG_SETMASK, nullptr, &signals) == 0);
  CHILD_CHECK(::sigismember(&signals, SIGPIPE) == 0);
  std::thread first([&root] { check_opens(root); });
  std::thread second([&root] { check_opens(root); });
  first.join();
  second.join();
  ::_exit(0);
}

TEST(BlockingOpen, GoesThroughARingWhereAFilterForbidsTheCall) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("root"));
  static_cast<void>(folder.file("outside", "secret"));
  static_cast<void>(folder.file("root/file", "inside"));
  std::filesystem::create_symlink("../outside", folder.path("root/out"));
  std::filesystem::create_symlink("file", folder.path("root/in"));
  EXPECT_EXIT(open_without_openat2(folder.path("root")), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sluice::runtime_test
