// The page as promtool (Debian package prometheus) sees it.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "metrics_page_fixture.hpp"

namespace sluiced::admin {
namespace {

struct Outcome {
  int status = -1;
  std::string output;
};

/// Runs `promtool check metrics` on `page`. Its exit status is 3 for a page that can be read but
/// goes against the conventions.
Outcome lint(const std::string& page) {
  std::string name = testing::TempDir() + "metrics-page-XXXXXX";
  const int fd = ::mkstemp(name.data());
  EXPECT_GE(fd, 0) << name;
  EXPECT_EQ(::write(fd, page.data(), page.size()), static_cast<ssize_t>(page.size()));
  ::close(fd);
  Outcome outcome;
  FILE* const pipe = ::popen(("promtool check metrics 2>&1 <'" + name + "'").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::array<char, 4096> buffer;
  while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), length);
  }
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ::unlink(name.c_str());
  return outcome;
}

class MetricsLintTest : public PageFixture {};

TEST_F(MetricsLintTest, AcceptsAPageOfNothing) {
  make_shards(2);
  const Outcome outcome = lint(render());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(outcome.output, "");
}

TEST_F(MetricsLintTest, AcceptsAPageOfEverything) {
  make_shards(4);
  for (ShardNumbers& shard : shards) {
    touch_everything(shard);
  }
  touch_everything(control);
  const Outcome outcome = lint(render());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(outcome.output, "");
}

TEST_F(MetricsLintTest, AcceptsLabelsThatNeedEscaping) {
  make_shards(1);
  build.compiler = "a \"quoted\" back\\slash\nand a second line";
  const Outcome outcome = lint(render());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

TEST_F(MetricsLintTest, WouldTellOfABadPage) {
  make_shards(1);
  EXPECT_NE(lint(render() + "# TYPE process_threads gauge\nprocess_threads 1\n").status, 0);
}

}  // namespace
}  // namespace sluiced::admin
