#include "http/accept_encoding.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using testing::get_with;
using testing::ParsedRequest;

constexpr auto kZstd = ContentCoding::zstd;
constexpr auto kBr = ContentCoding::br;
constexpr auto kGzip = ContentCoding::gzip;
const std::vector<ContentCoding> kAll{kZstd, kBr, kGzip};

/// What is sent to a client with these lines when `available` is there beside the plain form.
std::string chosen(std::string_view lines, const std::vector<ContentCoding>& available = kAll) {
  const ParsedRequest request(get_with(lines));
  EXPECT_EQ(request.verdict(), "accepted") << lines;
  const auto best = AcceptedCodings(request.head().fields).best_of(available);
  return best ? std::string(coding_name(*best)) : "plain";
}

using Table = std::vector<std::pair<std::string_view, std::string_view>>;

void expect_chosen(const Table& table) {
  for (const auto& [value, expected] : table) {
    EXPECT_EQ(chosen("Accept-Encoding: " + std::string(value) + "\r\n"), expected) << value;
  }
}

TEST(AcceptEncoding, ChoosesByTheExamplesOfTheRfc) {
  // RFC 9110 section 12.5.3.
  expect_chosen({
      {"compress, gzip", "gzip"},
      {"", "plain"},
      {"*", "zstd"},
      {"compress;q=0.5, gzip;q=1.0", "gzip"},
      {"gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"},
  });
  EXPECT_EQ(chosen(""), "plain") << "nobody asked for a coding";
}

TEST(AcceptEncoding, TheGreatestWeightWinsAndThenTheOrderOfTheServer) {
  expect_chosen({
      {"gzip, br", "br"},
      {"br, gzip", "br"},
      {"gzip, deflate, br, zstd", "zstd"},
      {"gzip;q=0.9, br;q=0.8", "gzip"},
      {"gzip;q=0.8, br;q=0.801", "br"},
      {"gzip;q=0.001", "gzip"},
      {"zstd;q=0, br;q=0, gzip", "gzip"},
      {"*;q=0.5, gzip;q=1", "gzip"},
      {"*, zstd;q=0", "br"},
      {"*, zstd;q=0, br;q=0", "gzip"},
      {"x-gzip", "gzip"},
      {"GZIP", "gzip"},
      {"gZip;Q=1", "gzip"},
  });
  EXPECT_EQ(chosen("Accept-Encoding: gzip, br\r\n", {kGzip, kBr}), "gzip");
  EXPECT_EQ(chosen("Accept-Encoding: br, zstd\r\n", {kGzip}), "plain");
  EXPECT_EQ(chosen("Accept-Encoding: gzip\r\n", {}), "plain");
}

TEST(AcceptEncoding, ThePlainFormHasAWeightToo) {
  expect_chosen({
      {"identity", "plain"},
      {"gzip;q=0.5, identity", "plain"},
      {"gzip;q=0.5, identity;q=0.4", "gzip"},
      {"gzip;q=0.5, identity;q=0.5", "gzip"},
      {"identity;q=0, gzip", "gzip"},
      {"identity;q=0, gzip;q=0.001", "gzip"},
      {"gzip;q=0", "plain"},
      {"*;q=0", "plain"},
      {"gzip;q=0.2, *;q=0.1", "gzip"},
  });
}

TEST(AcceptEncoding, WhoRefusesAllThereIsGetsThePlainForm) {
  expect_chosen({
      {"identity;q=0", "plain"},
      {"identity;q=0, compress", "plain"},
      {"identity;q=0, *;q=0", "plain"},
  });
}

TEST(AcceptEncoding, MembersThatAreNotOfTheGrammarArePassedOver) {
  expect_chosen({
      {"gzip;q=2", "plain"},
      {"gzip;q=1.001", "plain"},
      {"gzip;q=-1", "plain"},
      {"gzip;q=0.1234", "plain"},
      {"gzip;q=.5", "plain"},
      {"gzip;q=", "plain"},
      {"gzip;q", "plain"},
      {"gzip;", "plain"},
      {"gzip;level=9", "plain"},
      {"gzip q=1", "plain"},
      {"gzip;q=a, br", "br"},
      {"gzip;q=0;q=1", "plain"},
      {",, gzip ,", "gzip"},
      {"gzip ; q=0.5", "gzip"},
      {"gzip;\tq=1.000", "gzip"},
      {"gzip;q=0.", "plain"},
      {"gzip;q=1.", "gzip"},
      {"gzipp", "plain"},
      {"", "plain"},
  });
}

TEST(AcceptEncoding, SeveralLinesAreOneList) {
  EXPECT_EQ(chosen("Accept-Encoding: br;q=0.1\r\nAccept-Encoding: gzip\r\n"), "gzip");
  EXPECT_EQ(chosen("Accept-Encoding: gzip\r\nAccept-Encoding: gzip;q=0\r\n"), "plain");
}

TEST(AcceptEncoding, SuffixesAndCodingsBelongTogether) {
  for (const ContentCoding coding : kAll) {
    EXPECT_EQ(coding_of_extension(coding_suffix(coding).substr(1)), coding);
  }
  EXPECT_FALSE(coding_of_extension("gzip"));
  EXPECT_FALSE(coding_of_extension(""));
}

}  // namespace
}  // namespace sluiced::http
