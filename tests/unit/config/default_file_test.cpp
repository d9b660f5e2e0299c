// config/sluiced.yaml, which is installed as /etc/sluice/sluiced.yaml.

#include <filesystem>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/schema.hpp"
#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::read_file;

/// The file with all options that it shows as comments ("# option") switched on.
std::string with_options_switched_on(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start != std::string::npos && line.compare(start, 2, "# ") == 0) {
      line.erase(start, 2);
    }
    out += line + '\n';
  }
  return out;
}

Config loaded(const std::string& text) {
  auto config = load_text(text, "sluiced.yaml");
  if (!config) {
    ADD_FAILURE() << format(config.error());
    return {};
  }
  return *std::move(config);
}

TEST(DefaultFile, ServesThePublicDirectoryOnAllAddresses) {
  const Config config = loaded(read_file(SLUICED_DEFAULT_FILE));
  ASSERT_EQ(config.listeners.size(), 1);
  EXPECT_EQ(to_string(config.listeners[0].address), "[::]:8080");
  ASSERT_EQ(config.sites.size(), 1);
  EXPECT_TRUE(config.sites[0].takes_any_host());
  ASSERT_EQ(config.sites[0].mounts.size(), 1);
  EXPECT_EQ(config.sites[0].mounts[0].path, "/");
  EXPECT_EQ(config.sites[0].mounts[0].root, "/srv/sluice/public");
  EXPECT_EQ(config.admin, Admin{});
  EXPECT_TRUE(config.admin.listen->is_local());
}

TEST(DefaultFile, ShowsTheDefaultOfEveryOption) {
  const std::string text = read_file(SLUICED_DEFAULT_FILE);
  const Config plain = loaded(text);
  const Config switched_on = loaded(with_options_switched_on(text));
  EXPECT_EQ(switched_on.runtime, plain.runtime);
  EXPECT_EQ(switched_on.confinement, plain.confinement);
  EXPECT_EQ(switched_on.admin, plain.admin);
  EXPECT_EQ(switched_on.log, plain.log);
  EXPECT_EQ(switched_on.listeners, plain.listeners);
  EXPECT_EQ(switched_on.limits, plain.limits);
  EXPECT_EQ(switched_on.timeouts, plain.timeouts);
  EXPECT_EQ(switched_on.listings, plain.listings);
  EXPECT_EQ(switched_on.archives, plain.archives);
  EXPECT_EQ(switched_on.defaults, plain.defaults);
  EXPECT_EQ(switched_on.sites, plain.sites);
}

/// The keys of a section that do not stand in the text as "key:".
template <class Section>
std::string keys_missing_in(const std::string& text) {
  std::string out;
  for (const Field<Section>& field : fields_of<Section>()) {
    EXPECT_FALSE(field.info.doc.empty()) << field.info.key;
    if (text.find(' ' + std::string(field.info.key) + ':') == std::string::npos &&
        text.find('\n' + std::string(field.info.key) + ':') == std::string::npos) {
      out += std::string(field.info.key) + ' ';
    }
  }
  return out;
}

TEST(DefaultFile, ShowsEveryOption) {
  const std::string text = read_file(SLUICED_DEFAULT_FILE);
  EXPECT_EQ(keys_missing_in<Config>(text), "");
  EXPECT_EQ(keys_missing_in<Runtime>(text), "");
  EXPECT_EQ(keys_missing_in<Admin>(text), "");
  EXPECT_EQ(keys_missing_in<Log>(text), "");
  EXPECT_EQ(keys_missing_in<AccessLog>(text), "");
  EXPECT_EQ(keys_missing_in<Listener>(text), "");
  EXPECT_EQ(keys_missing_in<Limits>(text), "");
  EXPECT_EQ(keys_missing_in<Timeouts>(text), "");
  EXPECT_EQ(keys_missing_in<MinRate>(text), "");
  EXPECT_EQ(keys_missing_in<FileOptions>(text), "");
  EXPECT_EQ(keys_missing_in<HeaderRule>(text), "");
  EXPECT_EQ(keys_missing_in<Site>(text), "");
  EXPECT_EQ(keys_missing_in<Mount>(text), "");
  EXPECT_EQ(keys_missing_in<Redirect>(text), "");
  EXPECT_EQ(keys_missing_in<ErrorPages>(text), "");
  EXPECT_EQ(keys_missing_in<Cors>(text), "");
  EXPECT_EQ(keys_missing_in<Listings>(text), "");
  EXPECT_EQ(keys_missing_in<Archives>(text), "");
}

}  // namespace
}  // namespace sluiced::config
