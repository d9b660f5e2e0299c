#include "admin/process_families.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <sluice/unique_fd.hpp>

#include "metrics_page_fixture.hpp"

namespace sluiced::admin {
namespace {

// As a kernel 6.18 wrote it; the name is the worst that prctl(2) lets a program have.
constexpr std::string_view kAfterName =
    " S 1 4242 4242 0 -1 4194560 1310 0 3 0 25 17 0 0 20 0 5 0 987654 318767104 2048 "
    "18446744073709551615 94400 94500 140720 0 0 0 0 4096 81922 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 "
    "0 0\n";

TEST(ParseProcessStat, FindsTheNumbersOfTheLine) {
  const ProcessStat expected{5, 987654, 318767104, 2048};
  EXPECT_EQ(parse_process_stat("4242 (sluiced)" + std::string(kAfterName)), expected);
}

TEST(ParseProcessStat, IsNotMisledByTheName) {
  const ProcessStat expected{5, 987654, 318767104, 2048};
  EXPECT_EQ(parse_process_stat("4242 (a) R 1 (b c)" + std::string(kAfterName)), expected);
}

TEST(ParseProcessStat, RefusesWhatIsNotALineOfTheKernel) {
  EXPECT_EQ(parse_process_stat(""), std::nullopt);
  EXPECT_EQ(parse_process_stat("4242 (sluiced"), std::nullopt);
  EXPECT_EQ(parse_process_stat("4242 (sluiced) S 1 2 3"), std::nullopt);
  std::string text = "4242 (sluiced)" + std::string(kAfterName);
  text.replace(text.find("987654"), 6, "98765x");
  EXPECT_EQ(parse_process_stat(text), std::nullopt);
}

TEST(OpenDescriptors, CountsWithoutTheDescriptorThatCountingNeeds) {
  const auto before = open_descriptors_by_listing();
  ASSERT_TRUE(before);
  std::vector<sluice::UniqueFd> files;
  for (int count = 0; count < 5; ++count) {
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(files.back());
  }
  EXPECT_EQ(open_descriptors_by_listing(), *before + 5);

  std::size_t open = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    open += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  }
  EXPECT_EQ(open_descriptors_by_listing(), open);
}

TEST(OpenDescriptors, AgreesWithTheKernelsOwnCountWhereThereIsOne) {
  const std::size_t by_size = open_descriptors_by_size();
  EXPECT_TRUE(by_size == 0 || by_size == open_descriptors_by_listing()) << by_size;
}

class ProcessFamiliesTest : public PageFixture {};

TEST_F(ProcessFamiliesTest, ShowTheProcess) {
  make_shards(1);
  const ParsedPage page(render());
  EXPECT_GT(std::stod(page.value("process_cpu_seconds_total")), 0);
  EXPECT_GE(page.number("process_resident_memory_bytes"), 1U << 20U);
  EXPECT_GE(page.number("process_virtual_memory_bytes"),
            page.number("process_resident_memory_bytes"));
  EXPECT_GE(page.number("process_threads"), 1U);
  EXPECT_EQ(page.number("process_open_fds"), open_descriptors_by_listing());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(std::stod(page.value("process_max_fds")), static_cast<double>(limit.rlim_cur));
}

TEST_F(ProcessFamiliesTest, KeepTheStartTimeForAsLongAsThePageLives) {
  make_shards(1);
  const MetricsPage page(sources, build, daemon);
  const std::string started_at = ParsedPage(page.render()).value("process_start_time_seconds");
  EXPECT_EQ(ParsedPage(page.render()).value("process_start_time_seconds"), started_at);
  // The process is older than this test and younger than the machine.
  const auto now = static_cast<double>(::time(nullptr));
  timespec since_boot{};
  ASSERT_EQ(::clock_gettime(CLOCK_BOOTTIME, &since_boot), 0);
  EXPECT_LE(std::stod(started_at), now + 1);
  EXPECT_GE(std::stod(started_at), now - static_cast<double>(since_boot.tv_sec) - 2);
}

}  // namespace
}  // namespace sluiced::admin
