#include <sluice/unique_fd.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>

#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

namespace sluice {
namespace {

int open_one() { return ::eventfd(0, EFD_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, OwnsNothingAtFirst) {
  const UniqueFd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, DescriptorZeroIsADescriptor) {
  UniqueFd fd(0);
  EXPECT_TRUE(fd);
  EXPECT_EQ(fd.release(), 0);
}

TEST(UniqueFd, ClosesAtTheEnd) {
  const int number = open_one();
  {
    const UniqueFd fd(number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovingLeavesOneOwner) {
  const int number = open_one();
  UniqueFd first(number);
  {
    const UniqueFd second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, AssigningClosesWhatWasOwned) {
  const int old_number = open_one();
  const int new_number = open_one();
  UniqueFd fd(old_number);
  fd = UniqueFd(new_number);
  EXPECT_FALSE(is_open(old_number));
  EXPECT_TRUE(is_open(new_number));
  EXPECT_EQ(fd.get(), new_number);
}

TEST(UniqueFd, AssigningToItselfKeepsTheDescriptor) {
  UniqueFd fd(open_one());
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(UniqueFd, ReleaseGivesItAwayOpen) {
  UniqueFd fd(open_one());
  const int number = fd.release();
  EXPECT_FALSE(fd);
  fd.reset();
  EXPECT_TRUE(is_open(number));
  const UniqueFd closes(number);
}

TEST(UniqueFd, ResetClosesAndTakes) {
  const int old_number = open_one();
  const int new_number = open_one();
  UniqueFd fd(old_number);
  fd.reset(new_number);
  EXPECT_FALSE(is_open(old_number));
  EXPECT_EQ(fd.get(), new_number);
  fd.reset();
  EXPECT_FALSE(fd);
  EXPECT_FALSE(is_open(new_number));
  fd.reset();
  EXPECT_FALSE(fd);
}

TEST(UniqueFd, CannotBeCopied) {
  EXPECT_FALSE(std::is_copy_constructible_v<UniqueFd>);
  EXPECT_FALSE(std::is_copy_assignable_v<UniqueFd>);
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<UniqueFd>);
  EXPECT_FALSE((std::is_convertible_v<int, UniqueFd>));
}

}  // namespace
}  // namespace sluice
