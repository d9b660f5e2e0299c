#include "config/start_settings.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "config/schema.hpp"

namespace sluiced::config {
namespace {

std::size_t count_of(const std::vector<StartSetting>& settings, const std::string& prefix) {
  std::size_t count = 0;
  for (const StartSetting& setting : settings) {
    count += setting.key.starts_with(prefix) ? 1U : 0U;
  }
  return count;
}

Config with_everything_else() {
  Config config;
  config.runtime = {.workers = 3,
                    .ring_entries = 128,
                    .max_open_files = 100,
                    .cached_files = 7,
                    .unwatched_file_age = std::chrono::seconds(2),
                    .user = "www:web"};
  config.confinement = {.landlock = Landlock::kOff, .readable = {"/srv", "/var/www"}};
  config.admin.listen.reset();
  return config;
}

TEST(StartSettings, AreNoneOfThoseThatAreWhatTheyWere) {
  Config asked;
  asked.limits.ranges = 3;
  asked.admin.metrics = false;
  asked.log.level = LogLevel::kError;
  asked.log.access.target = "/var/log/a";
  EXPECT_TRUE(keep_start_settings(Config(), asked).empty());
  EXPECT_EQ(asked.limits.ranges, 3U);
  EXPECT_FALSE(asked.admin.metrics);
}

// A key that is added to this section has to be added to the list, too.
TEST(StartSettings, AreAllOfTheRuntime) {
  Config asked = with_everything_else();
  const auto kept = keep_start_settings(Config(), asked);
  EXPECT_EQ(count_of(kept, "runtime."), fields_of<Runtime>().size());
  EXPECT_EQ(count_of(kept, "confinement."), fields_of<Confinement>().size());
  EXPECT_EQ(count_of(kept, "admin.listen"), 1U);
  EXPECT_EQ(asked.runtime, Config().runtime);
  EXPECT_EQ(asked.confinement, Config().confinement);
  EXPECT_EQ(asked.admin, Config().admin);
}

TEST(StartSettings, AreToldAsTheyAreWritten) {
  Config asked = with_everything_else();
  const auto kept = keep_start_settings(Config(), asked);
  EXPECT_EQ(kept.front(), (StartSetting{"runtime.workers", "auto", "3"}));
  EXPECT_EQ(describe(kept.front()),
            "runtime.workers takes effect at a start only: auto is running, 3 is asked for, "
            "restart sluiced to have it");
  EXPECT_EQ(kept[4], (StartSetting{"runtime.unwatched_file_age", "0ms", "2000ms"}));
  EXPECT_EQ(kept[5], (StartSetting{"runtime.user", "off", "www:web"}));
  EXPECT_EQ(kept[6], (StartSetting{"confinement.landlock", "best_effort", "off"}));
  EXPECT_EQ(kept[7], (StartSetting{"confinement.readable", "[]", "[/srv, /var/www]"}));
  EXPECT_EQ(kept[8], (StartSetting{"admin.listen", "127.0.0.1:9180", "off"}));
}

}  // namespace
}  // namespace sluiced::config
