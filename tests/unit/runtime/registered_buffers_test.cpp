#include <sluice/registered_buffers.hpp>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sluice/combinators.hpp>

#include "file_support.hpp"

namespace sluice::runtime_test {
namespace {

using ::testing::HasSubstr;

class RegisteredBuffersTest : public FileFixture {
 protected:
  std::unique_ptr<RegisteredBuffers> make(std::size_t bytes, std::size_t count) {
    auto made = RegisteredBuffers::create(loop_.reactor().ring(), bytes, count);
    EXPECT_TRUE(made) << made.error().explanation;
    return std::move(*made);
  }
};

TEST_F(RegisteredBuffersTest, ReadAndWriteWholeAndInPart) {
  const auto set = make(8192, 3);
  const auto expected = pattern(20'000);
  const File file = open(folder_.file("file", text_of(expected)), O_RDWR);
  const auto lease = set->take().value();
  EXPECT_EQ(await(file.read_at(lease, 5000)), 8192U);
  EXPECT_TRUE(std::ranges::equal(lease.bytes(), std::span(expected).subspan(5000, 8192)));
  EXPECT_EQ(await(file.read_at(lease.span().subspan(100).first(50), 0)), 50U);
  EXPECT_TRUE(std::ranges::equal(lease.bytes().subspan(100, 50), std::span(expected).first(50)));
  EXPECT_EQ(await(file.read_at(lease, 19'000)), 1000U);
  EXPECT_EQ(await(file.read_at(lease, 20'000)), 0U);
  EXPECT_EQ(await(file.read_exact_at(lease, 15'000)), 5000U);
  EXPECT_EQ(await(file.write_at(lease.span().first(10), 0)), 10U);
  EXPECT_EQ(error_of(file.write_all_at(lease, 20'000)), 0);
  EXPECT_EQ(file.status()->size_bytes, 28'192U);
  std::vector<std::byte> got(10);
  EXPECT_EQ(await(file.read_at(got, 0)), 10U);
  EXPECT_TRUE(std::ranges::equal(got, std::span(expected).subspan(15'000, 10)));
}

TEST_F(RegisteredBuffersTest, ReadAroundThePageCache) {
  const auto set = make(4096, 1);
  const auto expected = pattern(8192);
  const std::string path = folder_.file("file", text_of(expected));
  const auto opened = await(File::open(path.c_str(), O_RDONLY | O_DIRECT));
  if (!opened) {
    // A file system without O_DIRECT, such as an old tmpfs, says so at the open.
    EXPECT_EQ(errno_of(opened), EINVAL);
    return;
  }
  const auto lease = set->take().value();
  EXPECT_EQ(await(Operation(ReadFixedRequest(opened->get(), lease, 4096))), 4096U);
  EXPECT_TRUE(std::ranges::equal(lease.bytes(), std::span(expected).subspan(4096)));
}

TEST_F(RegisteredBuffersTest, AreHandedOutAndComeBack) {
  const auto set = make(1, 2);
  EXPECT_EQ(set->buffer_bytes(), 4096U);
  auto one = set->take();
  auto two = set->take();
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->bytes().data(), two->bytes().data());
  EXPECT_NE(one->span().index(), two->span().index());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(one->bytes().data()) % 4096, 0U);
  EXPECT_FALSE(set->take());
  EXPECT_EQ(set->exhausted().value(), 1U);
  EXPECT_EQ(set->in_use().value(), 2);
  RegisteredLease moved = std::move(*one);
  EXPECT_FALSE(*one);
  EXPECT_TRUE(one->bytes().empty());
  moved.give_back();
  moved.give_back();
  EXPECT_EQ(set->in_use().value(), 1);
  EXPECT_TRUE(set->take());
}

TEST_F(RegisteredBuffersTest, ManyAtOnceEachGetTheirOwnBytes) {
  const auto set = make(4096, 16);
  const auto expected = pattern(1 << 18);
  const File file = open(folder_.file("file", text_of(expected)), O_RDONLY);
  const auto check = [&](std::size_t offset) -> Task<bool> {
    const auto lease = set->take();
    const auto got = co_await file.read_exact_at(*lease, offset);
    co_return got == 4096U &&
        std::ranges::equal(lease->bytes(), std::span(expected).subspan(offset, 4096));
  };
  loop_.run([&]() -> Task<void> {
    for (std::size_t round = 0; round < 20; ++round) {
      std::vector<Task<bool>> tasks;
      for (std::size_t count = 0; count < 16; ++count) {
        tasks.push_back(check((16 * round + count) * 7919 % (expected.size() - 4096)));
      }
      for (const bool right : co_await when_all(std::move(tasks))) {
        EXPECT_TRUE(right);
      }
    }
  }());
}

TEST_F(RegisteredBuffersTest, OfAnotherRingOrOfNoneAreRefused) {
  Loop other;
  const auto set = RegisteredBuffers::create(other.reactor().ring(), 4096, 1).value();
  const auto here = make(4096, 1);  // so that the number alone would name a buffer
  const auto lease = set->take().value();
  const File file = open(folder_.file("file", "0123456789"), O_RDWR);
  EXPECT_EQ(error_of(file.read_at(lease, 0)), EFAULT);
  EXPECT_EQ(error_of(file.write_at(lease, 0)), EFAULT);
  EXPECT_EQ(error_of(file.read_exact_at(lease, 0)), EFAULT);
  EXPECT_EQ(error_of(file.read_at(RegisteredLease(), 0)), EFAULT);
  EXPECT_EQ(error_of(File().read_at(here->take().value(), 0)), EBADF);
}

TEST_F(RegisteredBuffersTest, OneSetForEachRingAndItsPlaceIsFreeAfterIt) {
  auto set = make(4096, 1);
  const auto second = RegisteredBuffers::create(loop_.reactor().ring(), 4096, 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().errno_value, EBUSY);
  EXPECT_THAT(second.error().explanation, HasSubstr("already"));
  set.reset();
  EXPECT_TRUE(RegisteredBuffers::create(loop_.reactor().ring(), 4096, 1));
}

TEST_F(RegisteredBuffersTest, SizesOutOfBoundsAreExplained) {
  for (const auto& [bytes, count] : {std::pair<std::size_t, std::size_t>{0, 1},
                                     {4096, 0},
                                     {4096, 16385},
                                     {(std::size_t{1} << 30) + 1, 1},
                                     {~std::size_t{0}, 2}}) {
    const auto made = RegisteredBuffers::create(loop_.reactor().ring(), bytes, count);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().errno_value, EINVAL);
    EXPECT_THAT(made.error().explanation, HasSubstr("1 to 16384 buffers"));
  }
}

// Takes CAP_IPC_LOCK away, which lifts the limit, and sets the limit to 64 KiB.
void limit_locked_memory() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  CHILD_CHECK(::syscall(SYS_capget, &header, data) == 0);
  data[0].effective &= ~(1U << CAP_IPC_LOCK);
  CHILD_CHECK(::syscall(SYS_capset, &header, data) == 0);
  const rlimit limit{65536, 65536};
  CHILD_CHECK(::setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
}

TEST(RegisteredBuffersLimit, MoreThanMayBeLockedIsExplainedWithNeedAndLimit) {
  const auto child = [] {
    limit_locked_memory();
    const auto ring = make_ring();
    const auto made = RegisteredBuffers::create(*ring, 4096, 256);
    CHILD_CHECK(!made);
    CHILD_CHECK(made.error().errno_value == ENOMEM);
    const std::string& text = made.error().explanation;
    CHILD_CHECK(text.find("1024 KiB") != std::string::npos);
    CHILD_CHECK(text.find("64 KiB") != std::string::npos);
    CHILD_CHECK(text.find("LimitMEMLOCK") != std::string::npos);
    CHILD_CHECK(text.find('\n') == std::string::npos);
    std::fprintf(stderr, "explained\n");
    ::_exit(0);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "explained");
}

TEST(RegisteredBuffersRules, OutliveTheirLeases) {
  EXPECT_DEATH(
      {
        const auto ring = make_ring();
        auto set = RegisteredBuffers::create(*ring, 4096, 1).value();
        const auto lease = set->take();
        set.reset();
      },
      "broken rule: a RegisteredBuffers outlives the leases");
}

}  // namespace
}  // namespace sluice::runtime_test
