// golden/NAME.in is a configuration with mistakes, golden/NAME.out what is said about it, to the
// letter. Line ends and a byte-order mark must make no difference.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support.hpp"

namespace sluiced::config {
namespace {

using testing::read_file;

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICED_GOLDEN_DIR)) {
    if (entry.path().extension() == ".in") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string golden(const std::string& file) {
  return read_file(std::filesystem::path(SLUICED_GOLDEN_DIR) / file);
}

std::string said_about(const std::string& name, std::string text) {
  const auto config = load_text(std::move(text), name + ".yaml");
  return config ? "ok\n" : format(config.error());
}

class GoldenDiagnostics : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenDiagnostics, AreWordForWord) {
  const std::string text = golden(GetParam() + ".in");
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(said_about(GetParam(), text), golden(GetParam() + ".out"));
}

TEST_P(GoldenDiagnostics, AreTheSameWithCrlf) {
  std::string text;
  for (const char each : golden(GetParam() + ".in")) {
    text += each == '\n' ? "\r\n" : std::string(1, each);
  }
  EXPECT_EQ(said_about(GetParam(), text), golden(GetParam() + ".out"));
}

TEST_P(GoldenDiagnostics, AreTheSameWithAByteOrderMark) {
  EXPECT_EQ(said_about(GetParam(), "\xEF\xBB\xBF" + golden(GetParam() + ".in")),
            golden(GetParam() + ".out"));
}

TEST_P(GoldenDiagnostics, AreTheSameWithoutTheLastLineEnd) {
  std::string text = golden(GetParam() + ".in");
  text.pop_back();
  EXPECT_EQ(said_about(GetParam(), text), golden(GetParam() + ".out"));
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenDiagnostics, ::testing::ValuesIn(golden_names()),
                         [](const auto& golden) { return golden.param; });

}  // namespace
}  // namespace sluiced::config
