#include <sluice/result.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace sluice {
namespace {

Result<int> fails_with(int errno_value) { return failure(errno_value); }

TEST(ResultValue, CarriesTheErrnoAsAGenericError) {
  const Result<int> result = fails_with(ENOENT);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(result.error().value(), ENOENT);
  EXPECT_EQ(result.error().category(), std::generic_category());
}

TEST(ResultValue, AnErrnoAndItsNameAreTheSameError) {
  const Result<int> by_name = failure(std::errc::timed_out);
  EXPECT_EQ(by_name.error(), fails_with(ETIMEDOUT).error());
}

TEST(ResultValue, ACountIsEverythingFromZeroUp) {
  EXPECT_EQ(count_or_error(0).value(), 0U);
  EXPECT_EQ(count_or_error(1).value(), 1U);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(count_or_error(kMost).value(), static_cast<std::size_t>(kMost));
}

TEST(ResultValue, ANegativeKernelResultIsThatError) {
  for (const int error : {EPERM, EAGAIN, EPIPE, ECANCELED, 4095}) {
    EXPECT_EQ(count_or_error(-error).error().value(), error);
    EXPECT_EQ(success_or_error(-error).error().value(), error);
  }
}

TEST(ResultValue, SuccessIsAnyResultThatIsNotNegative) {
  EXPECT_TRUE(success_or_error(0).has_value());
  EXPECT_TRUE(success_or_error(17).has_value());
}

TEST(ResultValue, OnlyOneErrorMeansCancelled) {
  EXPECT_TRUE(is_cancelled(fails_with(ECANCELED).error()));
  EXPECT_TRUE(is_cancelled(std::make_error_code(std::errc::operation_canceled)));
  for (const int error : {EINTR, ETIMEDOUT, EPIPE, ECONNRESET}) {
    EXPECT_FALSE(is_cancelled(fails_with(error).error())) << error;
  }
  EXPECT_FALSE(is_cancelled(std::error_code()));
}

}  // namespace
}  // namespace sluice
